/**
 * Which functions a question may use. Those that are not listed are refused, so that what a later engine brings is refused
 * until somebody has looked at it.
 */

/** Of `system.functions.categories`: what computes from its arguments alone. */
export const COMPUTING_CATEGORIES: readonly string[] = [
  'Aggregate Functions',
  'Arithmetic',
  'Arrays',
  'Bit',
  'Bitmap',
  'Comparison',
  'Conditional',
  'Dates and Times',
  'Distance',
  'Encoding',
  'Encryption',
  'Financial',
  'Hash',
  'IP Address',
  'JSON',
  'Logical',
  'Map',
  'Mathematical',
  'Null',
  'Random Number',
  'Rounding',
  'String',
  'String Replacement',
  'String Search',
  'String Splitting',
  'Time Series',
  'Time Window',
  'Tuple',
  'Type Conversion',
  'URL',
  'UUID',
];

/** The same among those of the category `Other`. */
export const COMPUTING_OTHERS: readonly string[] = [
  'bar',
  'byteSize',
  'countDigits',
  'currentDatabase',
  'defaultValueOfArgumentType',
  'defaultValueOfTypeName',
  'digits',
  'finalizeAggregation',
  'formatReadableDecimalSize',
  'formatReadableQuantity',
  'formatReadableSize',
  'formatReadableTimeDelta',
  'getSubcolumn',
  'identity',
  'ignore',
  'indexHint',
  'initializeAggregation',
  'isConstant',
  'isDecimalOverflow',
  'lowCardinalityIndices',
  'lowCardinalityKeys',
  'materialize',
  'minSampleSizeContinuous',
  'minSampleSizeConversion',
  'neighbor',
  'parseReadableSize',
  'parseReadableSizeOrNull',
  'parseReadableSizeOrZero',
  'parseTimeDelta',
  'rowNumberInAllBlocks',
  'rowNumberInBlock',
  'runningAccumulate',
  'runningDifference',
  'runningDifferenceStartingWithFirstValue',
  'throwIf',
  'toColumnTypeName',
  'toTypeName',
  'transform',
  'variantElement',
  'variantType',
  'version',
  'visibleWidth',
];

/**
 * Of those categories, what can compute for hours on one row of what fits into memory. The engine looks at the clock between
 * blocks of rows and not within one, so that no limit ends it.
 */
export const NEVER_ENDING: readonly string[] = [
  'arrayAutocorrelation',
  'arrayLevenshteinDistance',
  'arrayLevenshteinDistanceWeighted',
  'arraySimilarity',
  'damerauLevenshteinDistance',
  'editDistance',
  'editDistanceUTF8',
  'jaroSimilarity',
  'jaroWinklerSimilarity',
];

/** Table functions that make rows of their arguments. */
export const COMPUTING_TABLES: readonly string[] = [
  'generate_series',
  'generateSeries',
  'numbers',
  'numbers_mt',
  'primes',
  'view',
  'zeros',
];
