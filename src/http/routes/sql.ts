/** Questions in SQL, for what no other route answers. */

import { z } from 'zod';
import { SQL_CHARACTERS_MAX, SQL_FORMATS, type SqlFormat } from '../../contract/sql.ts';
import { SqlAnswer } from '../answers-about-traffic.ts';
import { route } from '../route.ts';

const FORMATS = Object.keys(SQL_FORMATS) as SqlFormat[];

const JSON_TYPE = 'application/json; charset=utf-8';
const CONTENT_TYPES: Readonly<Record<SqlFormat, string>> = {
  json: JSON_TYPE,
  compact: JSON_TYPE,
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  tsv: 'text/tab-separated-values; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
  arrow: 'application/vnd.apache.arrow.file',
};

export const sqlRoutes = [
  route({
    method: 'POST',
    path: '/api/v1/sql',
    summary:
      'A SELECT over the tables of Plumbline, at most 30 s, a million rows and 64 MB long. `json`: `meta` names the columns and their types, `data` has an object for each row; `compact` an array for each.',
    scope: 'read',
    body: z.strictObject({
      query: z.string().min(1).max(SQL_CHARACTERS_MAX),
      format: z.enum(FORMATS).default('json'),
    }),
    answer: { json: SqlAnswer, otherTypes: Object.values(CONTENT_TYPES).filter((type) => type !== JSON_TYPE) },
    handle: async ({ body: { query, format }, gone }, api) => ({
      text: await api.sql.ask({ sql: query, format }, gone()),
      contentType: CONTENT_TYPES[format],
    }),
  }),
];
