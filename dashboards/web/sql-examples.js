// @ts-check
/** Questions to begin with, which show what can be asked. */

/** @type {readonly (readonly [label: string, query: string])[]} */
export const SQL_EXAMPLES = [
  [
    'What versions cost',
    `SELECT prompt, version, count() AS calls, sum(cost_usd) AS usd,
  quantile(0.95)(latency_ms) AS p95_ms
FROM calls
WHERE started_at >= now() - INTERVAL 1 DAY
GROUP BY prompt, version
ORDER BY usd DESC`,
  ],
  [
    'The slowest calls',
    `SELECT started_at, prompt, version, request_model, latency_ms, output_tokens, trace_id
FROM calls
WHERE started_at >= now() - INTERVAL 1 DAY
ORDER BY latency_ms DESC
LIMIT 50`,
  ],
  [
    'What nobody registered',
    `SELECT service, prompt_hash, count() AS calls, sum(cost_usd) AS usd
FROM calls
WHERE prompt = '' AND started_at >= now() - INTERVAL 7 DAY
GROUP BY service, prompt_hash
ORDER BY calls DESC
LIMIT 50`,
  ],
  [
    'How good versions are',
    `SELECT prompt, version, judged.name AS name, count() AS judgements, avg(judged.score) AS mean
FROM calls
ARRAY JOIN evaluations AS judged
WHERE started_at >= now() - INTERVAL 30 DAY
GROUP BY prompt, version, name
ORDER BY prompt, version, name`,
  ],
  [
    'Whose prompts drift',
    `SELECT owner, verdict, count() AS incidents, sum(calls_affected) AS calls
FROM incidents_now
WHERE opened_at >= now() - INTERVAL 90 DAY
GROUP BY owner, verdict
ORDER BY incidents DESC`,
  ],
];
