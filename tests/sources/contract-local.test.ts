/** The contract of the sources that need programs and files of this machine; in a file of its own, because those take time. */

import { describe } from 'vitest';
import { contractSuite } from '../support/sources/contract-suite.ts';
import { LOCAL, sourceFixtures } from '../support/sources/fixtures.ts';
import { otherSqlFixtures } from '../support/sources/sql.ts';

contractSuite(sourceFixtures.filter((fixture) => LOCAL.has(fixture.type)));

describe.each(Object.entries(otherSqlFixtures))('on %s', (_name, fixture) => {
  contractSuite([fixture]);
});
