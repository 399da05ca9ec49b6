/** Attribution: from the text alone, which registered version produced a call. A pure library; this is its surface. */

export { createAttributor } from './attributor.ts';
export type { Attributor } from './attributor.ts';
export { besideNear, deservesNear, withNear } from './conclusion.ts';
export { mayBeOwnText } from './own-text.ts';
export { RepeatedMessage } from './repeated-message.ts';
export { settleTie } from './settle-tie.ts';
export type { TieEvidence } from './settle-tie.ts';
export { variableSources } from './match-result.ts';
export { hasWords, isLongEnough, PLACES, SHARE_MIN, sharedWords, withoutNumbers } from './slot-constancy.ts';
export type { Place, SharedWords, SlotValue } from './slot-constancy.ts';
