/** What is particular to databases: statements, chats in rows, one query for all, transactions, times. Against the real servers. */

import { afterEach, describe, expect, it } from 'vitest';
import { parameterNames, prepareStatement } from '../../collectors/lib/sql-statement.ts';
import { sql } from '../../collectors/sql.ts';
import { textBody } from '../../src/text/body.ts';
import { eventually } from '../support/daemon.ts';
import type { SqlEngine } from '../support/sql-server.ts';
import { openSqlPlace, type SqlStandIn } from '../support/sources/sql.ts';
import { EDITED, originalText, PROMPTS } from '../support/sources/stand-in.ts';
import { watchPlace, type Place } from '../support/sources/watch-place.ts';

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

async function watch(
  engine: SqlEngine,
  config: object,
  targets: readonly string[] = ['intent'],
): Promise<Place & { readonly standIn: SqlStandIn }> {
  const standIn = await openSqlPlace(engine);
  const place = await watchPlace(
    { type: 'sql' },
    {
      ...standIn,
      config: { ...(standIn.config as object), ...config },
      targets: targets.map((prompt) => ({ prompt, config: {} })),
    },
  );
  opened.push(() => place.close());
  return { ...place, standIn };
}

const command = { version: '1', body: textBody('new'), settings: {} };

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

describe.each(['postgres', 'mariadb'] as const)('%s', (engine) => {
  it('is asked once when the query lists all, and can then list what it holds', async () => {
    const query = 'SELECT name, text AS content FROM prompts';
    const place = await watch(engine, { query }, ['intent', 'reply', 'none']);
    const polled = await place.poll();
    expect(polled.get('reply')).toMatchObject({ outcome: 'held', body: { text: originalText('reply') } });
    expect(polled.get('none')).toMatchObject({ outcome: 'missing' });
    const found = await Array.fromAsync(place.source.source.discover?.discover(AbortSignal.timeout(60_000)) ?? []);
    expect(found.map(({ name }) => name).toSorted()).toEqual(PROMPTS.toSorted());
  });

  it('gives a chat when its rows have roles', async () => {
    const query =
      "SELECT role, content FROM (SELECT 'system' AS role, 'a' AS content, 1 AS n UNION SELECT 'user', 'b', 2) AS m WHERE :key <> '' ORDER BY n";
    const place = await watch(engine, { query });
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
    [
      'writes',
      {
        postgres: 'UPDATE prompts SET text = :key RETURNING text AS content',
        mariadb: 'UPDATE prompts SET text = :key',
      },
      /read.only/i,
    ],
    ['asks a table that is not there', 'SELECT content FROM nothing WHERE k = :key', /nothing/],
    ['names no content', 'SELECT text FROM prompts WHERE name = :key', /no column "content"/],
    ['has no names', 'SELECT text AS content FROM prompts', /no column "name"/],
  ])('refuses a query that %s, and nothing is missing', async (_what, query, words) => {
    const place = await watch(engine, { query: typeof query === 'string' ? query : query[engine] });
    expect((await place.poll()).get('intent')).toMatchObject({
      outcome: 'unreachable',
      reason: expect.stringMatching(words),
    });
    expect(await place.standIn.text('intent')).toBe(originalText('intent'));
  });

  it('does not write when another session is faster, in the moment between comparison and write', async () => {
    const place = await watch(engine, {});
    const { standIn } = place;
    const other = await standIn.server.connect(standIn.database);
    opened.unshift(() => other.end());
    await other.run('BEGIN');
    await other.run("UPDATE prompts SET text = 'theirs' WHERE name = 'intent'");
    const restoring = place.host.restore('place/intent', command).then(
      () => 'written',
      (error: unknown) => String(error),
    );
    // It compared with what was committed, and waits for the row.
    const waiting =
      engine === 'postgres'
        ? 'SELECT 1 FROM pg_locks WHERE NOT granted'
        : "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
    await eventually(async () => (await standIn.run(waiting)).length > 0);
    await other.run('COMMIT');
    expect(await restoring).toContain('changed meanwhile');
    expect(await standIn.text('intent')).toBe('theirs');
  });

  it('keeps what was written exactly, whatever is in it', async () => {
    const place = await watch(engine, {});
    const text = 'It\'s "back"; \\n :key ? $1 \u{1F9ED}\n\ttab  ';
    const restored = await place.host.restore('place/intent', { ...command, body: textBody(text) });
    expect([restored.result, await place.standIn.text('intent')]).toEqual(['restored', text]);
    expect((await place.poll()).get('intent')).toMatchObject({ body: { text }, editedBy: 'plumbline' });
  });

  it('reads a time in the zone of the server as the moment that it is, and one without a zone as UTC', async () => {
    const place = await watch(engine, {});
    expect((await place.poll()).get('intent')).toMatchObject({ editedAt: '2026-11-20T02:40:00.000000000Z' });
    const type = engine === 'postgres' ? 'timestamp' : 'datetime';
    await place.standIn.run(`ALTER TABLE prompts ADD COLUMN naive ${type} DEFAULT '2026-11-20 02:40:00'`);
    const query = 'SELECT text AS content, naive AS edited_at FROM prompts WHERE name = :key';
    const naive = await watchPlace({ type: 'sql' }, { ...place.standIn, config: { url: place.standIn.url, query } });
    opened.unshift(() => naive.host.stop(1_000));
    expect((await naive.poll()).get('intent')).toMatchObject({ editedAt: '2026-11-20T02:40:00.000000000Z' });
  });

  it('believes only the authority that it is told', async () => {
    const standIn = await openSqlPlace(engine, true);
    opened.push(() => standIn.close());
    const seen = async (config: object): Promise<unknown> => {
      const place = await watchPlace(
        { type: 'sql' },
        { ...standIn, config: { ...(standIn.config as object), ...config }, close: async () => undefined },
      );
      opened.unshift(() => place.close());
      return (await place.poll()).get('intent');
    };
    expect(await seen({})).toMatchObject({ outcome: 'held' });
    expect(await seen({ tls_ca_file: undefined })).toMatchObject({
      outcome: 'unreachable',
      reason: expect.stringMatching(/self.signed/),
    });
  });

  it('lists by a statement of its own where the query asks for one key, and can’t without', async () => {
    const discover = "SELECT name FROM prompts WHERE name <> 'reply' ORDER BY name";
    const place = await watch(engine, { discover });
    const found = await Array.fromAsync(place.source.source.discover?.discover(AbortSignal.timeout(60_000)) ?? []);
    expect(found.map(({ target }) => target)).toEqual(
      PROMPTS.filter((prompt) => prompt !== 'reply')
        .toSorted()
        .map((key) => ({ key })),
    );
    expect(found[0]?.content.body).toEqual(textBody(originalText(found[0]?.name ?? '')));
    expect((await watch(engine, {})).source.source.discover).toBeUndefined();
  });
});

describe('postgres', () => {
  it('says that nothing was written when the commit is refused', async () => {
    const place = await watch('postgres', {});
    const { standIn } = place;
    await standIn.run("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not today''; END'");
    await standIn.run(
      'CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON prompts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()',
    );
    await expect(place.host.restore('place/intent', command)).rejects.toThrow('not today');
    expect(await standIn.text('intent')).toBe(originalText('intent'));
    await standIn.run('DROP TRIGGER late ON prompts');
    await standIn.edit('intent', EDITED);
    expect(await place.host.restore('place/intent', command)).toMatchObject({ result: 'restored' });
  });

  it('is not believed under another name than that of its certificate', async () => {
    const standIn = await openSqlPlace('postgres', true);
    const url = standIn.url.replace('localhost', '127.0.0.1');
    const place = await watchPlace({ type: 'sql' }, { ...standIn, config: { ...(standIn.config as object), url } });
    opened.push(() => place.close());
    expect((await place.poll()).get('intent')).toMatchObject({
      outcome: 'unreachable',
      reason: expect.stringContaining('127.0.0.1'),
    });
    const mysql = { url: 'mysql://u:p@127.0.0.1/d', query: 'SELECT 1', tls: true };
    expect(sql.config.safeParse(mysql).error?.issues[0]?.message).toContain('the name of the host');
  });

  it('alone has channels to listen to', () => {
    const config = { query: 'SELECT 1', listen: 'changed' };
    expect(sql.config.safeParse({ ...config, url: 'postgres://u:p@h/d' }).success).toBe(true);
    expect(sql.config.safeParse({ ...config, url: 'mysql://u:p@h/d' }).success).toBe(false);
  });
});
