/** Finds the provider's response id inside a raw response, without parsing all of it. */

/** Ids of OpenAI, Anthropic, Gemini proxies and compatible servers say what they are. */
const TYPED_ID = /"id":\s*"((?:chatcmpl|cmpl|resp|msg|gen|modelresp)[-_][A-Za-z0-9_.:-]{1,200})"/;
/** Any other id counts only where a response has its own: as the first field. */
const LEADING_ID = /^\s*\[?\s*\{\s*"id":\s*"([A-Za-z0-9_.:-]{6,200})"/;
/** What only a provider's response has. Without any of it the JSON is the model's own answer, and its id somebody else's. */
const OF_RESPONSE =
  /"(?:choices|candidates|generations)":\s*\[|"object":\s*"(?:chat\.completion|text_completion|response)|"type":\s*"message"|"finish_reason":|"lc":\s*1\b/;
/** The id is near the beginning; a response may be megabytes. */
const SEARCHED_CHARACTERS = 65_536;

export function responseIdIn(raw: string | undefined): string | undefined {
  if (raw === undefined || (raw[0] !== '{' && raw[0] !== '[')) return undefined;
  const head = raw.length > SEARCHED_CHARACTERS ? raw.slice(0, SEARCHED_CHARACTERS) : raw;
  const id = LEADING_ID.exec(head)?.[1] ?? TYPED_ID.exec(head)?.[1];
  return id !== undefined && OF_RESPONSE.test(head) ? id : undefined;
}

/** Whether it is what a provider's API answers, and not what the model says. */
export function isResponse(raw: string | undefined): boolean {
  return raw !== undefined && (raw[0] === '{' || raw[0] === '[') && OF_RESPONSE.test(raw.slice(0, SEARCHED_CHARACTERS));
}
