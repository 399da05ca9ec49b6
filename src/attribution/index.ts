/** Attribution: from the text alone, which registered version produced a call. A pure library; this is its surface. */

export { createAttributor } from './attributor.ts';
export type { Attributor } from './attributor.ts';
export { deservesNear, withNear } from './conclusion.ts';
export { SlotConstancy } from './slot-constancy.ts';
export { explain } from './words.ts';
