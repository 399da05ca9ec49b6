/** Attribution: from the text alone, which registered version produced a call. A pure library; this is its surface. */

export { createAttributor } from './attributor.ts';
export type { Attributor, AttributorOptions, AttributorStats } from './attributor.ts';
export { deservesNear, withNear } from './conclusion.ts';
export type { NearBudget } from './near-match.ts';
export type { AddResult } from './registrar.ts';
export { settingsDifferences } from './settings.ts';
export type { SettingsDifference } from './settings.ts';
export { SlotConstancy } from './slot-constancy.ts';
export type { ConstantFragment } from './slot-constancy.ts';
export { explain, nearWords } from './words.ts';
