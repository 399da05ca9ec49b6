/**
 * Texts that the engine takes for more than text: names of time zones and of types. Of `file:/any/path` as a zone it opens the file of
 * that path, and a pipe would stop it for good; each that it does know takes five megabytes until the process ends; and a text
 * that becomes the state of an aggregate is read without a check. A text that is computed can't be looked at, so these are written out.
 */

import { nameIn, TOKEN } from './tokens.ts';

/** In lower case: from which argument on one may name a time zone. Aliases are of the function that they stand for. */
const ZONE_FROM: ReadonlyMap<string, number> = new Map(
  Object.entries({
    1: 'now nowInBlock UTCTimestamp timezone serverTimezone today yesterday',
    2: `DATE toDate toDate32 toDateTime toDateTime32 toDateTimeOrDefault toDateTimeOrNull toDateTimeOrZero toDateOrNull toDateOrZero
      toDate32OrNull toDate32OrZero toTime toTime64 toString toTimezone toUTCTimestamp fromUTCTimestamp toUnixTimestamp timeSlot
      timezoneOffset timezoneOf now64 nowInBlock64 UUIDv7ToDateTime YYYYMMDDhhmmssToDateTime YYYYMMDDhhmmssToDateTime64
      fromUnixTimestamp64Second fromUnixTimestamp64Milli fromUnixTimestamp64Micro fromUnixTimestamp64Nano snowflakeIDToDateTime
      snowflakeIDToDateTime64 dateTimeToSnowflakeID dateTime64ToSnowflakeID parseDateTimeBestEffort parseDateTimeBestEffortOrNull
      parseDateTimeBestEffortOrZero parseDateTimeBestEffortUS parseDateTimeBestEffortUSOrNull parseDateTimeBestEffortUSOrZero
      parseDateTime32BestEffort parseDateTime32BestEffortOrNull parseDateTime32BestEffortOrZero parseDateTime64BestEffort
      parseDateTime64BestEffortOrNull parseDateTime64BestEffortOrZero parseDateTime64BestEffortUS parseDateTime64BestEffortUSOrNull
      parseDateTime64BestEffortUSOrZero toDateTime64 toDateTime64OrNull toDateTime64OrZero toDateTime64OrDefault toDayOfMonth
      toDayOfYear toDaysInMonth toDaysSinceYearZero toHour toISOWeek toISOYear toLastDayOfMonth toMicrosecond toMillisecond toMinute
      toMonday toMonth toMonthNumSinceEpoch toNanosecond toQuarter toRelativeDayNum toRelativeHourNum toRelativeMinuteNum
      toRelativeMonthNum toRelativeQuarterNum toRelativeSecondNum toRelativeWeekNum toRelativeYearNum toSecond toStartOfDay
      toStartOfFifteenMinutes toStartOfFiveMinutes toStartOfHour toStartOfISOYear toStartOfMicrosecond toStartOfMillisecond
      toStartOfMinute toStartOfMonth toStartOfNanosecond toStartOfQuarter toStartOfSecond toStartOfTenMinutes toStartOfYear
      toTimeWithFixedDate toYYYYMM toYYYYMMDD toYYYYMMDDhhmmss toYear toYearNumSinceEpoch toDayOfWeek toLastDayOfWeek toStartOfWeek
      toWeek toYearWeek`,
    3: `formatDateTime formatDateTimeInJodaSyntax fromUnixTimestamp fromUnixTimestampInJodaSyntax parseDateTime parseDateTimeOrNull
      parseDateTimeOrZero parseDateTime64 parseDateTime64OrNull parseDateTime64OrZero parseDateTimeInJodaSyntax
      parseDateTimeInJodaSyntaxOrNull parseDateTimeInJodaSyntaxOrZero parseDateTime64InJodaSyntax parseDateTime64InJodaSyntaxOrNull
      parseDateTime64InJodaSyntaxOrZero dateName dateTrunc toStartOfInterval tumble tumbleStart tumbleEnd windowID hop hopStart hopEnd
      addNanoseconds addMicroseconds addMilliseconds addSeconds addMinutes addHours addDays addWeeks addMonths addQuarters addYears
      subtractNanoseconds subtractMicroseconds subtractMilliseconds subtractSeconds subtractMinutes subtractHours subtractDays
      subtractWeeks subtractMonths subtractQuarters subtractYears addInterval subtractInterval addDate subDate
      changeYear changeMonth changeDay changeHour changeMinute changeSecond timeSlots`,
    4: 'dateDiff age',
    7: 'makeDateTime makeDateTime64',
  }).flatMap(([from, names]) => names.split(/\s+/).map((name): [string, number] => [name.toLowerCase(), Number(from)])),
);

/** Which argument names a type or, of a column, a part by its type. */
const TYPE_AT: ReadonlyMap<string, number | 'last'> = new Map<string, number | 'last'>([
  ['cast', 2],
  ['_cast', 2],
  ['accuratecast', 2],
  ['accuratecastornull', 2],
  ['accuratecastordefault', 2],
  ['reinterpret', 2],
  ['defaultvalueoftypename', 1],
  ['dynamicelement', 2],
  ['isdynamicelementinshareddata', 2],
  ['variantelement', 2],
  ['getsubcolumn', 2],
  ['jsonextract', 'last'],
  ['jsonextractcaseinsensitive', 'last'],
  ['jsonextractkeysandvalues', 'last'],
  ['jsonextractkeysandvaluescaseinsensitive', 'last'],
]);

/** Called without it: `* APPLY now`, `* APPLY (toDateTime, 'UTC')`. */
const TRANSFORMER = 'apply';

const NUMBER = /^(?:[-+.]|[0-9][0-9a-z_]*|null|true|false)$/i;
const ESCAPED = /\\(['\\])/g;

export interface Texts {
  readonly zones: ReadonlySet<string>;
  /** In lower case: what a function is called where it is known by another name as well. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** What is wrong with the call whose name is at `index`; null when nothing is. The zones that it names are added to `named`. */
export function refusalOfTexts(
  tokens: readonly string[],
  index: number,
  { zones, aliases }: Texts,
  named: Set<string>,
): string | null {
  const name = nameIn(tokens[index] ?? '');
  const called = aliases.get(name.toLowerCase()) ?? name.toLowerCase();
  const zoneFrom = ZONE_FROM.get(called);
  const typeAt = TYPE_AT.get(called);
  if (zoneFrom === undefined && typeAt === undefined) return null;
  if (isTransformer(tokens, index) && (zoneFrom === 1 || tokens[index + 1] === ','))
    return `${name} does not go with APPLY here: write it for each column.`;
  if (tokens[index + 1] !== '(') return null;
  const all = argumentsAt(tokens, index + 2);
  if (zoneFrom !== undefined)
    for (const [text = '', ...more] of all.slice(zoneFrom - 1)) {
      if (text === '' || (more.length === 0 && isKnownZone(text, zones, named))) continue;
      if (![text, ...more].every((token) => NUMBER.test(token)))
        return `${name} takes a time zone there: write its name as a text that is not computed, one of system.time_zones.`;
    }
  if (typeAt === undefined) return null;
  const [text = '', ...more] = (typeAt === 'last' ? all.at(-1) : all[typeAt - 1]) ?? [];
  if (NUMBER.test(text) && more.length === 0) return null;
  if (!text.startsWith("'") || more.length > 0)
    return `${name} takes a type there: write it as a text that is not computed.`;
  return refusalOfType(text.slice(1, -1).replaceAll(ESCAPED, '$1'), zones, named);
}

/** Also of the quoted name of a column, which may end in a type. */
export function refusalOfType(type: string, zones: ReadonlySet<string>, named: Set<string>): string | null {
  const heads: string[] = [];
  let before = '';
  for (const token of type.match(TOKEN) ?? []) {
    const lowerCase = nameIn(token).toLowerCase();
    if (lowerCase === 'aggregatefunction') return 'AggregateFunction is not a type that can be made of something else.';
    if (token === '(') heads.push(before);
    if (token === ')') heads.pop();
    if (token.startsWith("'") && !(heads.at(-1) ?? '').startsWith('enum') && !isKnownZone(token, zones, named))
      return `${token} is no time zone: write one of system.time_zones.`;
    before = lowerCase;
  }
  return null;
}

function isKnownZone(token: string, zones: ReadonlySet<string>, named: Set<string>): boolean {
  const zone = token.slice(1, -1);
  if (!token.startsWith("'") || !zones.has(zone)) return false;
  named.add(zone);
  return true;
}

function isTransformer(tokens: readonly string[], index: number): boolean {
  const before = tokens[index - 1] === '(' ? tokens[index - 2] : tokens[index - 1];
  return before?.toLowerCase() === TRANSFORMER;
}

/** What stands between commas, up to the parenthesis that ends the call. */
function argumentsAt(tokens: readonly string[], start: number): string[][] {
  const found: string[][] = [[]];
  let depth = 0;
  for (let at = start; at < tokens.length; at++) {
    const token = tokens[at] ?? '';
    if (token === ')' && depth === 0) break;
    if (token === '(' || token === '[') depth++;
    if (token === ')' || token === ']') depth--;
    if (token === ',' && depth === 0) found.push([]);
    else found.at(-1)?.push(token);
  }
  return found;
}
