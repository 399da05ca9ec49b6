/** What the attributor is asked about a call, and which prompt and version it is counted under. Pure, and called for every call. */

import type { Attribution, AttributionMatch, AttributionQuery } from '../../contract/attribution.ts';
import type { DeclaredPrompt, Invocation } from '../../contract/invocation.ts';
import type { PromptMessage } from '../../contract/prompt.ts';
import type { AttributableCall, AttributedAs, AttributeCall } from '../../ingest/settling/attribution.ts';

/** `ownerOf`: who owns a prompt; null when nobody registered it. */
export function callAttribution(
  attribute: (query: AttributionQuery) => Attribution,
  ownerOf: (prompt: string) => string | null,
): AttributeCall {
  return (call) => {
    const { declared } = call.invocation;
    const attribution = attribute(arrivingQuery(call));
    const { prompt, version } = countedUnder(attribution, declared);
    const owner = prompt === null ? null : ownerOf(prompt);
    return { kind: attribution.kind, prompt, version, owner, match: renderOf(attribution, version) };
  };
}

/** The same question about a stored call as was asked when it arrived. */
export function storedQuery(invocation: Invocation): AttributionQuery {
  const messages = invocation.input?.map(({ role, parts }): PromptMessage => {
    const texts = parts.flatMap((part) => (part.type === 'text' ? [part.text] : []));
    return { role, content: texts.join('\n') };
  });
  return queryOf(invocation, messages ?? null, invocation.template, invocation.variables);
}

function arrivingQuery(call: AttributableCall): AttributionQuery {
  return queryOf(call.invocation, call.messages, call.template(), call.variables());
}

function queryOf(
  { declared, settings, startedAt, environment, service }: Invocation,
  messages: readonly PromptMessage[] | null,
  template: string | null,
  variables: Readonly<Record<string, string>> | null,
): AttributionQuery {
  return {
    ...(messages === null ? {} : { messages }),
    ...(declared === null ? {} : { declared: { prompt: declared.name, version: declared.version ?? undefined } }),
    ...(template === null ? {} : { template }),
    ...(variables === null ? {} : { variables }),
    settings,
    sent: { at: startedAt, environment, service },
  };
}

/** What the text says, where it says something; else what the emitter declared. */
function countedUnder(
  attribution: Attribution,
  declared: DeclaredPrompt | null,
): Pick<AttributedAs, 'prompt' | 'version'> {
  // A text that could not be checked, or that fits nearly anything, leaves the declaration standing.
  if (attribution.kind === 'unverifiable' || attribution.kind === 'insufficient_evidence')
    return { prompt: declared?.name ?? null, version: declared?.version ?? null };
  const prompt = only(attribution.matches, (match) => match.prompt);
  if (prompt !== null) return { prompt, version: only(attribution.matches, (match) => match.version) };
  // The text was checked and says nothing of the kind: what was declared is at most the prompt.
  return { prompt: declared?.name ?? null, version: null };
}

/** The match that fills the variables of the version that the call is counted under. */
function renderOf({ kind, matches }: Attribution, version: string | null): AttributionMatch | null {
  if (version === null || kind === 'insufficient_evidence') return null;
  return matches.find((match) => match.version === version && match.hash === null) ?? null;
}

/** What all matches agree on. */
function only(matches: readonly AttributionMatch[], read: (match: AttributionMatch) => string): string | null {
  const values = new Set(matches.map(read));
  const [value] = values;
  return values.size === 1 && value !== undefined ? value : null;
}
