/** What is particular to databases: statements, chats in rows, one query for all, and the protocol of MySQL. */

import { createServer, type Connection } from 'mysql2';
import { afterEach, describe, expect, it } from 'vitest';
import { parameterNames, prepareStatement } from '../../collectors/lib/sql-statement.ts';
import { freePort } from '../support/redis.ts';
import { openSqlPlace, sqlFixture } from '../support/sources/sql.ts';
import { EDITED, originalText } from '../support/sources/stand-in.ts';
import { watchPlace, type Place } from '../support/sources/watch-place.ts';
import { textBody } from '../../src/text/body.ts';

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

async function watch(
  config: object,
  targets: readonly string[],
  close: () => Promise<void> = async () => undefined,
): Promise<Place> {
  const standIn = await openSqlPlace();
  const place = await watchPlace(sqlFixture, {
    ...standIn,
    config: { url: standIn.url, ...config },
    targets: targets.map((prompt) => ({ prompt, config: {} })),
    close: async () => {
      await standIn.close();
      await close();
    },
  });
  opened.push(() => place.close());
  return place;
}

describe('a statement', () => {
  it('has parameters outside of strings, names, comments and casts only', () => {
    const statement = `SELECT ':no', "a:b", x::text /* :not */ FROM t WHERE k = :key AND c = :content OR k = :key -- :nor`;
    expect([...parameterNames(statement)]).toEqual(['key', 'content']);
    const values = { key: "'; DROP TABLE t; --", content: 'c' };
    expect(prepareStatement(statement, values, true)).toEqual({
      text: `SELECT ':no', "a:b", x::text /* :not */ FROM t WHERE k = $1 AND c = $2 OR k = $3 -- :nor`,
      values: [values.key, 'c', values.key],
    });
    expect(prepareStatement('k = :key', values, false)).toEqual({ text: 'k = ?', values: [values.key] });
  });
});

describe('PostgreSQL', () => {
  it('is asked once when the query lists all', async () => {
    const place = await watch({ query: 'SELECT name, text AS content FROM prompts' }, ['intent', 'reply', 'none']);
    const polled = await place.poll();
    expect(polled.get('reply')).toMatchObject({ outcome: 'held', body: { text: originalText('reply') } });
    expect(polled.get('none')).toMatchObject({ outcome: 'missing' });
  });

  it('gives a chat when its rows have roles', async () => {
    const query =
      "SELECT role, content FROM (VALUES ('system', 'a', 1), ('user', 'b', 2)) AS m(role, content, n) WHERE :key <> '' ORDER BY n";
    const place = await watch({ query }, ['intent']);
    expect((await place.poll()).get('intent')).toMatchObject({
      body: {
        kind: 'chat',
        messages: [
          { role: 'system', content: 'a' },
          { role: 'user', content: 'b' },
        ],
      },
    });
  });

  it.each([
    ['writes', 'UPDATE prompts SET text = :key RETURNING text AS content', 'read-only'],
    ['asks a table that is not there', 'SELECT content FROM nothing WHERE k = :key', 'nothing'],
    ['names no content', 'SELECT text FROM prompts WHERE name = :key', 'no column "content"'],
  ])('refuses a query that %s, and nothing is missing', async (_what, query, words) => {
    const place = await watch({ query }, ['intent']);
    expect((await place.poll()).get('intent')).toMatchObject({
      outcome: 'unreachable',
      reason: expect.stringContaining(words),
    });
  });

  it('does not write when another session was faster', async () => {
    const query = 'SELECT text AS content FROM prompts WHERE name = :key';
    // As if somebody wrote between the comparison and the write.
    const update = "UPDATE prompts SET text = :content WHERE name = :key AND text = :expected || 'x'";
    const place = await watch({ query, update }, ['intent']);
    const command = { version: '1', body: textBody('new'), settings: {} };
    await expect(place.host.restore('place/intent', command)).rejects.toThrow('changed meanwhile');
    expect((await place.poll()).get('intent')).toMatchObject({ body: { text: originalText('intent') } });
  });
});

/** The part of the driver's server that its types leave out. */
interface MysqlServer {
  on(event: 'connection', listener: (connection: Connection & Record<string, any>) => void): void;
  listen(port: number, host: string, done: () => void): void;
  close(done: () => void): void;
}

/** MySQL's protocol as the driver's own server speaks it, with a table of one row. */
async function serveMysql() {
  const row = { content: originalText('intent'), version: 1 };
  const statements: string[] = [];
  const server = (createServer as unknown as () => MysqlServer)();
  server.on('connection', (connection) => {
    connection.on('error', () => undefined);
    connection['serverHandshake']({
      protocolVersion: 4,
      serverVersion: '8.0.0',
      connectionId: 1,
      statusFlags: 2,
      characterSet: 45,
      capabilityFlags: 0xffffff ^ 0x0800,
      authCallback: (_params: unknown, done: (error: unknown, answer: unknown) => void) => done(null, null),
    });
    connection.on('query', (statement: string) => {
      // Every command starts its packets anew.
      connection['sequenceId'] = 1;
      statements.push(statement);
      const update = /^UPDATE prompts SET text = '(.*)' WHERE name = 'intent' AND text = '(.*)'$/s.exec(statement);
      if (update !== null) {
        const unescape = (text = ''): string => text.replaceAll(/\\(.)/gs, (_all, c: string) => (c === 'n' ? '\n' : c));
        const isExpected = unescape(update[2]) === row.content;
        if (isExpected) row.content = unescape(update[1]);
        connection['writeOk']({ affectedRows: isExpected ? 1 : 0 });
      } else if (statement.startsWith('SELECT')) {
        const column = (name: string) => ({
          catalog: 'def',
          schema: 's',
          table: 't',
          orgTable: 't',
          name,
          orgName: name,
          characterSet: 45,
          columnLength: 1_000,
          columnType: 253,
          flags: 0,
          decimals: 0,
        });
        connection['writeTextResult']([row], [column('content'), column('version')]);
      } else {
        connection['writeOk']();
      }
      setImmediate(() => (connection['sequenceId'] = 0));
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `mysql://plumbline:secret-password@127.0.0.1:${port}/checkout`,
    row,
    statements,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

describe('MySQL', () => {
  it('is read, compared and written, with values escaped by the driver', async () => {
    const mysql = await serveMysql();
    const place = await watch(
      {
        url: mysql.url,
        query: 'SELECT text AS content, version FROM prompts WHERE name = :key',
        update: 'UPDATE prompts SET text = :content WHERE name = :key AND text = :expected',
      },
      ['intent'],
      mysql.close,
    );
    expect((await place.poll()).get('intent')).toMatchObject({
      outcome: 'held',
      body: { text: originalText('intent') },
      sourceVersion: '1',
    });
    expect(mysql.statements).toContain('START TRANSACTION READ ONLY');
    mysql.row.content = EDITED;
    expect((await place.poll()).get('intent')).toMatchObject({ body: { text: EDITED } });
    const body = textBody('It\'s "back".\n');
    expect(await place.host.restore('place/intent', { version: '1', body, settings: {} })).toMatchObject({
      result: 'restored',
    });
    expect(mysql.row.content).toBe(body.kind === 'text' ? body.text : '');
  });
});
