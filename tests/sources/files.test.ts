/** What is particular to files: fields of structured files, editors that replace files, links. */

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { files } from '../../collectors/files.ts';
import type { LiveContent, Reading, Source } from '../../src/contract/source.ts';
import { chatBody, textBody } from '../../src/text/body.ts';

let directory = '';
let source: Source<unknown>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plumbline-files-'));
  source = files.open({}, { name: 'f', baseDirectory: directory, cacheDirectory: '/nonexistent', fetch });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const target = (path: string, field?: string) => ({
  id: `f/${path}`,
  prompt: path,
  config: files.target.parse(field === undefined ? { path } : { path, field }),
});
const signal = AbortSignal.timeout(20_000);

async function read(...args: Parameters<typeof target>): Promise<Reading | undefined> {
  const [reading] = await Array.fromAsync(source.live.read([target(...args)], new Map(), signal));
  return reading;
}

async function content(...args: Parameters<typeof target>): Promise<LiveContent> {
  const reading = await read(...args);
  if (reading?.outcome === 'held') return reading.contents[0];
  throw new Error(JSON.stringify(reading));
}

const YAML = `# The prompts of checkout.
prompts:
  - name: intent   # first
    template: |
      Say what they want.
      In one word.
  - name: reply
    messages:
      - { role: system, content: Be kind. }
      - { role: user, content: "{{ text }}" }
`;

describe('a field', () => {
  it('of YAML is a text or messages', async () => {
    await writeFile(join(directory, 'p.yaml'), YAML);
    expect((await content('p.yaml', 'prompts[name=intent].template')).body).toEqual(
      textBody('Say what they want.\nIn one word.\n'),
    );
    expect((await content('p.yaml', 'prompts[1].messages')).body).toEqual(
      chatBody([
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: '{{ text }}' },
      ]),
    );
  });

  it('that is gone is missing; a file that is half written, or holds something else there, is unreachable', async () => {
    await writeFile(join(directory, 'p.yaml'), YAML);
    expect(await read('p.yaml', 'prompts[name=other].template')).toMatchObject({ outcome: 'missing' });
    expect(await read('p.yaml', 'prompts')).toMatchObject({ outcome: 'unreachable' });
    await writeFile(join(directory, 'p.json'), '{"a": "half');
    expect(await read('p.json', 'a')).toMatchObject({ outcome: 'unreachable' });
  });

  it('is restored without touching the rest of the file', async () => {
    await writeFile(join(directory, 'p.yaml'), YAML);
    const at = target('p.yaml', 'prompts[name=intent].template');
    const expected = await content('p.yaml', 'prompts[name=intent].template');
    const body = textBody('One line.\n  And: "another" # no comment\n');
    await source.restore?.restore(at, { version: '1', body, settings: {}, expect: expected }, signal);
    expect((await content('p.yaml', 'prompts[name=intent].template')).body).toEqual(body);
    const text = await readFile(join(directory, 'p.yaml'), 'utf8');
    expect(text).toContain('# The prompts of checkout.');
    expect(text).toContain('# first');
    expect((await content('p.yaml', 'prompts[1].messages')).body.kind).toBe('chat');
  });

  it('of JSON keeps the indentation, and messages stay messages', async () => {
    await writeFile(
      join(directory, 'p.json'),
      `${JSON.stringify({ a: { m: [{ role: 'system', content: 'x' }] }, b: 1 }, null, 4)}\n`,
    );
    const body = chatBody([{ role: 'system', content: 'y' }]);
    const expected = await content('p.json', 'a.m');
    await source.restore?.restore(
      target('p.json', 'a.m'),
      { version: '1', body, settings: {}, expect: expected },
      signal,
    );
    expect(await readFile(join(directory, 'p.json'), 'utf8')).toBe(
      `${JSON.stringify({ a: { m: [{ role: 'system', content: 'y' }] }, b: 1 }, null, 4)}\n`,
    );
  });
});

describe('a text file', () => {
  it('is read byte for byte, with its mark and line ends', async () => {
    await writeFile(join(directory, 'p.txt'), '\uFEFFone\r\ntwo\t\n');
    expect((await content('p.txt')).body).toEqual(textBody('\uFEFFone\r\ntwo\t\n'));
  });

  it('takes no chat of several messages', async () => {
    await writeFile(join(directory, 'p.txt'), 'x');
    const body = chatBody([
      { role: 'system', content: 'a' },
      { role: 'user', content: 'b' },
    ]);
    const request = { version: '1', body, settings: {}, expect: await content('p.txt') };
    await expect(source.restore?.restore(target('p.txt'), request, signal)).rejects.toThrow('2 messages');
    expect(await readFile(join(directory, 'p.txt'), 'utf8')).toBe('x');
  });

  it('keeps its mode, and a link stays a link', async () => {
    await mkdir(join(directory, 'data'));
    await writeFile(join(directory, 'data', 'p.txt'), 'x', { mode: 0o600 });
    await symlink('data/p.txt', join(directory, 'p.txt'));
    const request = { version: '1', body: textBody('y'), settings: {}, expect: await content('p.txt') };
    expect(await source.restore?.restore(target('p.txt'), request, signal)).toMatchObject({ outcome: 'held' });
    expect(await readFile(join(directory, 'data', 'p.txt'), 'utf8')).toBe('y');
    expect((await stat(join(directory, 'data', 'p.txt'))).mode & 0o777).toBe(0o600);
  });

  it('that was missing is made again, unless somebody was faster', async () => {
    const request = { version: '1', body: textBody('y'), settings: {}, expect: null };
    expect(await source.restore?.restore(target('p.txt'), request, signal)).toMatchObject({ outcome: 'held' });
    await expect(source.restore?.restore(target('p.txt'), request, signal)).rejects.toThrow('changed meanwhile');
  });

  it('is not a directory, and a directory that is not there says nothing about it', async () => {
    await mkdir(join(directory, 'p.txt'));
    expect(await read('p.txt')).toMatchObject({ outcome: 'unreachable' });
    expect(await read('unmounted/p.txt')).toMatchObject({ outcome: 'unreachable' });
    expect(await read('other.txt')).toMatchObject({ outcome: 'missing' });
  });

  it('is no pipe and no device, and where one is the others are read', async () => {
    execFileSync('mkfifo', [join(directory, 'pipe.txt')]);
    await symlink('/dev/zero', join(directory, 'device.txt'));
    await writeFile(join(directory, 'p.txt'), 'x');
    const targets = ['pipe.txt', 'device.txt', 'p.txt'].map((path) => target(path));
    const readings = await Array.fromAsync(source.live.read(targets, new Map(), signal));
    expect(Object.fromEntries(readings.map((reading) => [reading.target, reading.outcome]))).toEqual({
      'f/pipe.txt': 'unreachable',
      'f/device.txt': 'unreachable',
      'f/p.txt': 'held',
    });
  });
});

describe('watching', () => {
  it('sees edits in place and by replacement, again and again', async () => {
    await writeFile(join(directory, 'p.txt'), '0');
    const hints: string[] = [];
    const stop = new AbortController();
    const watching = source.watch?.watch([target('p.txt')], (id) => hints.push(id), stop.signal);
    for (let edit = 1; edit <= 3; edit += 1) {
      hints.length = 0;
      await writeFile(join(directory, '.p.swp'), String(edit));
      await rename(join(directory, '.p.swp'), join(directory, 'p.txt'));
      await expect.poll(() => hints).toContain('f/p.txt');
      hints.length = 0;
      await writeFile(join(directory, 'p.txt'), `${edit} in place`);
      await expect.poll(() => hints).toContain('f/p.txt');
    }
    stop.abort(new Error('Enough.'));
    await expect(watching).rejects.toThrow('Enough.');
  });

  it('fails when there is nothing to watch, so that the host tries again', async () => {
    await expect(source.watch?.watch([target('none/p.txt')], () => undefined, signal)).rejects.toThrow('ENOENT');
  });
});

it('a path that makes no sense is refused with the configuration', () => {
  expect(files.target.safeParse({ path: 'p.yaml', field: 'a[' }).error?.issues[0]?.message).toContain('"a["');
});
