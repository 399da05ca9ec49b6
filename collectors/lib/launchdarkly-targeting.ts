/** Which variations of an AI Config an environment of LaunchDarkly serves, by whichever way. Pure. */

import { z } from 'zod';

const Weighted = z.object({ variation: z.int(), weight: z.number() });
/** A variation, or several with weights. */
const Served = z.object({
  variation: z.int().nullish(),
  rollout: z.object({ variations: z.array(Weighted) }).nullish(),
});
type Served = z.output<typeof Served>;
const Individuals = z.object({ values: z.array(z.string()), variation: z.int() });

const Environment = z.object({
  enabled: z.boolean(),
  fallthrough: Served.nullish(),
  rules: z.array(Served).nullish(),
  targets: z.array(Individuals).nullish(),
  contextTargets: z.array(Individuals).nullish(),
  lastModified: z.number().nullish(),
});
type Environment = z.output<typeof Environment>;

export const Targeting = z.object({
  variations: z.array(z.object({ _id: z.string() }).transform(({ _id: id }) => ({ id }))),
  environments: z.record(z.string(), Environment),
});
export type Targeting = z.output<typeof Targeting>;

export interface ServedVariation {
  readonly id: string;
  /** What everybody gets whom no rule names. */
  readonly isDefault: boolean;
  /** Of all traffic; null where rules take an unknown part of it. */
  readonly share: number | null;
}

// Weights are thousandths of a percent.
const FULL_WEIGHT = 100_000;

/** The default first. None where it is switched off: applications then fall back to what is in their own code. */
export function servedVariations({ variations, environments }: Targeting, name: string): readonly ServedVariation[] {
  const environment = environments[name];
  if (environment?.enabled !== true) return [];
  const byDefault = weightsOf(environment.fallthrough ?? {});
  const byRules = ruledVariations(environment);
  const isWhole = byRules.size === 0;
  const served = [
    ...byDefault.map(({ variation, weight }) => ({ variation, isDefault: true, share: weight / FULL_WEIGHT })),
    ...[...byRules].map((variation) => ({ variation, isDefault: false, share: null })),
  ];
  const each = new Map(served.toReversed().map((one) => [one.variation, one]));
  return [...each.values()].toReversed().flatMap(({ variation, isDefault, share }) => {
    const id = variations[variation]?.id;
    return id === undefined ? [] : [{ id, isDefault, share: isWhole ? share : null }];
  });
}

/** What rules serve, and what single users and contexts were given. */
function ruledVariations({ rules, targets, contextTargets }: Environment): ReadonlySet<number> {
  const individuals = [...(targets ?? []), ...(contextTargets ?? [])].filter(({ values }) => values.length > 0);
  return new Set([
    ...individuals.map(({ variation }) => variation),
    ...(rules ?? []).flatMap(weightsOf).map(({ variation }) => variation),
  ]);
}

function weightsOf({ variation, rollout }: Served): readonly z.output<typeof Weighted>[] {
  const weighted = rollout?.variations.filter(({ weight }) => weight > 0);
  if (weighted !== undefined) return weighted;
  return typeof variation === 'number' ? [{ variation, weight: FULL_WEIGHT }] : [];
}
