/** Which prompt and version a call is counted under. Pure, and called for every call. */

import type { Attribution, AttributionMatch, AttributionQuery } from '../contract/attribution.ts';
import type { DeclaredPrompt } from '../contract/invocation.ts';
import type { AttributableCall, AttributedAs, AttributeCall } from '../ingest/settling/attribution.ts';

/** `ownerOf`: who owns a prompt; null when nobody registered it. */
export function callAttribution(
  attribute: (query: AttributionQuery) => Attribution,
  ownerOf: (prompt: string) => string | null,
): AttributeCall {
  return (call) => {
    const { declared } = call.invocation;
    const attribution = attribute(queryOf(call, declared));
    const { prompt, version } = countedUnder(attribution, declared);
    return { kind: attribution.kind, prompt, version, owner: prompt === null ? null : ownerOf(prompt) };
  };
}

function queryOf(call: AttributableCall, declared: DeclaredPrompt | null): AttributionQuery {
  const messages = call.messages();
  const template = call.template();
  const variables = call.variables();
  return {
    ...(messages === null ? {} : { messages }),
    ...(declared === null ? {} : { declared: { prompt: declared.name, version: declared.version ?? undefined } }),
    ...(template === null ? {} : { template }),
    ...(variables === null ? {} : { variables }),
    settings: call.invocation.settings,
  };
}

/** What the text says, where it says something; else what the emitter declared. */
function countedUnder(
  attribution: Attribution,
  declared: DeclaredPrompt | null,
): Pick<AttributedAs, 'prompt' | 'version'> {
  const prompt = only(attribution.matches, (match) => match.prompt);
  if (prompt !== null) return { prompt, version: only(attribution.matches, (match) => match.version) };
  if (declared === null) return { prompt: null, version: null };
  // A text that could not be checked leaves the declaration standing; one that was checked does not.
  const unchecked = attribution.kind === 'unverifiable' || attribution.kind === 'insufficient_evidence';
  return { prompt: declared.name, version: unchecked ? declared.version : null };
}

/** What all matches agree on. */
function only(matches: readonly AttributionMatch[], read: (match: AttributionMatch) => string): string | null {
  const values = new Set(matches.map(read));
  const [value] = values;
  return values.size === 1 && value !== undefined ? value : null;
}
