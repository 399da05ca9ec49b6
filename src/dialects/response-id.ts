/** Finds the provider's response id inside a raw response, without parsing all of it. */

/** Ids of OpenAI, Anthropic, Gemini proxies and compatible servers say what they are. */
const TYPED_ID = /"id":\s*"((?:chatcmpl|cmpl|resp|msg|gen|modelresp)[-_][A-Za-z0-9_.:-]{1,200})"/;
/** Any other id counts only where a response has its own: as the first field. */
const LEADING_ID = /^\s*\[?\s*\{\s*"id":\s*"([A-Za-z0-9_.:-]{6,200})"/;
/** The id is near the beginning; a response may be megabytes. */
const SEARCHED_CHARACTERS = 65_536;

export function responseIdIn(raw: string | undefined): string | undefined {
  if (raw === undefined || (raw[0] !== '{' && raw[0] !== '[')) return undefined;
  const head = raw.length > SEARCHED_CHARACTERS ? raw.slice(0, SEARCHED_CHARACTERS) : raw;
  return LEADING_ID.exec(head)?.[1] ?? TYPED_ID.exec(head)?.[1];
}
