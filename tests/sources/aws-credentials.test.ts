/** Keys of AWS from where its users have them: environment, files, container, web identity, a role. By AWS's own library, against local servers. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { awsSsm } from '../../collectors/aws-ssm.ts';
import {
  EXTERNAL_ID,
  giveKeys,
  openContainerMetadata,
  openSts,
  ROLE,
  WEB_IDENTITY_TOKEN,
} from '../support/sources/aws-identity.ts';
import { ACCESS_KEY_ID, awsKeys, knownKeys, SECRET_ACCESS_KEY } from '../support/sources/aws-server.ts';
import { openAwsSsm } from '../support/sources/aws-ssm.ts';
import { originalText, PROMPTS } from '../support/sources/stand-in.ts';
import { watchPlace, type Place } from '../support/sources/watch-place.ts';

const TOKEN = 'container-authorization-token';
const closing: (() => Promise<void>)[] = [];
let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plumbline-aws-'));
  for (const name of Object.keys(process.env).filter((each) => each.startsWith('AWS_'))) vi.stubEnv(name, undefined);
  vi.stubEnv('HOME', directory);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closing.splice(0)) await close();
  await rm(directory, { recursive: true, force: true });
});

type Ssm = Awaited<ReturnType<typeof openAwsSsm>>;

/** A source with these keys in its configuration, beside the region and the endpoint. */
async function watch(keys: object = {}): Promise<Place & { readonly standIn: Ssm }> {
  const standIn = await openAwsSsm();
  const config = { region: awsKeys.region, endpoint: standIn.origin, ...keys };
  const place = await watchPlace({ type: 'aws-ssm' }, { ...standIn, config });
  closing.push(() => place.close());
  return { ...place, standIn };
}

const ORIGINALS = PROMPTS.map(originalText);

async function texts(place: Place): Promise<readonly unknown[]> {
  const polled = await place.poll();
  return PROMPTS.map((prompt) => {
    const seen = polled.get(prompt);
    return seen?.outcome === 'held' && seen.body.kind === 'text' ? seen.body.text : seen;
  });
}

async function reasonOf(place: Place): Promise<string> {
  const seen = (await place.poll()).get('intent');
  expect(seen?.outcome).toBe('unreachable');
  return seen?.outcome === 'unreachable' ? seen.reason : '';
}

const OWN = { access_key_id: ACCESS_KEY_ID, secret_access_key: SECRET_ACCESS_KEY };
const profile = (name: string, { AccessKeyId, SecretAccessKey, Token }: ReturnType<typeof giveKeys>): string =>
  `[${name}]\naws_access_key_id = ${AccessKeyId}\naws_secret_access_key = ${SecretAccessKey}\naws_session_token = ${Token}\n`;

describe('keys are found', () => {
  it('in the environment, with a session', async () => {
    const { AccessKeyId, SecretAccessKey, Token } = giveKeys();
    vi.stubEnv('AWS_ACCESS_KEY_ID', AccessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', SecretAccessKey);
    vi.stubEnv('AWS_SESSION_TOKEN', Token);
    expect(await texts(await watch())).toEqual(ORIGINALS);
  });

  it('in the shared files: the default profile, the one that the environment or the source names', async () => {
    const [first, second] = [giveKeys(), giveKeys()];
    const file = join(directory, 'credentials');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file);
    await writeFile(file, profile('default', first));
    expect(await texts(await watch())).toEqual(ORIGINALS);
    knownKeys.delete(first.AccessKeyId);
    await writeFile(file, profile('default', first) + profile('prompts', second));
    expect(await reasonOf(await watch())).toContain('UnrecognizedClient');
    expect(await texts(await watch({ profile: 'prompts' }))).toEqual(ORIGINALS);
    vi.stubEnv('AWS_PROFILE', 'prompts');
    expect(await texts(await watch())).toEqual(ORIGINALS);
  });

  it('again in the file, when the service refuses what was found before', async () => {
    const [first, second] = [giveKeys(), giveKeys()];
    const file = join(directory, 'credentials');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file);
    await writeFile(file, profile('default', first));
    const place = await watch();
    expect(await texts(place)).toEqual(ORIGINALS);
    knownKeys.delete(first.AccessKeyId);
    await writeFile(file, profile('default', second));
    await reasonOf(place);
    expect(await texts(place)).toEqual(ORIGINALS);
  });

  it('in the metadata of a container, asked for once, and anew when they ran out', async () => {
    const metadata = await openContainerMetadata(TOKEN);
    closing.push(metadata.close);
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${metadata.origin}/credentials`);
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN', TOKEN);
    const place = await watch();
    expect(await texts(place)).toEqual(ORIGINALS);
    expect(await texts(place)).toEqual(ORIGINALS);
    expect(metadata.requests).toHaveLength(1);
    knownKeys.delete(metadata.latest().AccessKeyId);
    await reasonOf(place);
    expect(await texts(place)).toEqual(ORIGINALS);
    expect(metadata.requests).toHaveLength(2);
  });

  it('by the token of a web identity', async () => {
    const sts = await openSts();
    closing.push(sts.close);
    await writeFile(join(directory, 'token'), WEB_IDENTITY_TOKEN);
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.origin);
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', join(directory, 'token'));
    vi.stubEnv('AWS_ROLE_ARN', ROLE);
    const place = await watch();
    expect(await texts(place)).toEqual(ORIGINALS);
    expect(await texts(place)).toEqual(ORIGINALS);
    expect(sts.requests).toHaveLength(1);
  });
});

describe('a role', () => {
  it('is taken on with the keys of the configuration, and kept until it ends', async () => {
    const sts = await openSts();
    closing.push(sts.close);
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.origin);
    const place = await watch({ ...OWN, role_arn: ROLE, external_id: EXTERNAL_ID });
    expect(await texts(place)).toEqual(ORIGINALS);
    expect(await texts(place)).toEqual(ORIGINALS);
    expect(sts.requests).toHaveLength(1);
    const used = place.standIn.requests.map((request) => request.headers['authorization'] ?? '');
    expect(used.filter((header) => !header.includes('Credential=ASIATEMPORARY'))).toEqual([]);
    const stranger = await watch({ ...OWN, role_arn: ROLE, external_id: 'another' });
    expect(await reasonOf(stranger)).toContain('There are no AWS credentials');
  });
});

describe('without keys', () => {
  it('nothing is missing, and what to do is said', async () => {
    const place = await watch();
    expect(await reasonOf(place)).toContain('name a profile');
    expect([...(await place.poll()).values()].map(({ outcome }) => outcome)).not.toContain('missing');
    vi.stubEnv('AWS_ACCESS_KEY_ID', ACCESS_KEY_ID);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', SECRET_ACCESS_KEY);
    expect(await texts(place)).toEqual(ORIGINALS);
  });

  it('half a pair is told when the configuration is read', () => {
    const context = { name: 'a', baseDirectory: '/', cacheDirectory: '/nonexistent', fetch };
    expect(() => awsSsm.open({ region: 'eu-central-1', access_key_id: 'AKIA' }, context)).toThrow('belong together');
    expect(awsSsm.config.safeParse({ region: 'eu-central-1', role_arn: 'reader' }).success).toBe(false);
  });

  it('a refusal that repeats them shows none', async () => {
    const { AccessKeyId, SecretAccessKey, Token } = giveKeys();
    vi.stubEnv('AWS_ACCESS_KEY_ID', AccessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', SecretAccessKey);
    vi.stubEnv('AWS_SESSION_TOKEN', Token);
    const place = await watch();
    await place.standIn.trouble('refused');
    const reason = await reasonOf(place);
    expect(reason).toContain('[secret]');
    expect(JSON.stringify([reason, place.host.statuses()])).not.toContain(Token);
  });
});
