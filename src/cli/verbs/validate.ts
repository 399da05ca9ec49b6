/** `plumbline validate`: is the configuration right, and what is registered? */

import { formatProblems, type Problem } from '../../lib/problems.ts';
import { styled } from '../output.ts';
import type { Verb } from '../verb.ts';

export const validate: Verb = {
  usage: 'validate',
  summary: 'Check the configuration, the registry and the lockfile: all problems at once.',
  options: [],
  examples: ['validate', 'validate --json'],
  run: async (_positional, flags, context) => {
    const { output } = context;
    const loaded = await context.toolbox.configuration(flags);
    const report = loaded.ok ? await context.toolbox.registry(loaded.configuration) : null;
    const problems: readonly Problem[] = loaded.ok ? (report?.problems ?? []) : loaded.problems;
    const counts = report?.counts ?? { files: 0, prompts: 0, components: 0, versions: 0, pins: 0 };
    if (flags['json'] === true) {
      const answer = { valid: problems.length === 0, problems, ...counts, notes: report?.notes ?? [] };
      output.json(answer);
      return problems.length === 0 ? 0 : 1;
    }
    for (const note of report?.notes ?? []) output.note(styled(output, 'dim', note));
    if (problems.length > 0) {
      output.print(formatProblems(problems));
      output.note(styled(output, 'red', `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}.`));
      return 1;
    }
    const { files, prompts, components, versions, pins } = counts;
    const found = `${prompts} prompts and ${components} components with ${versions} versions in ${files} files, ${pins} pins`;
    output.print(styled(output, 'green', `Valid: ${found}.`));
    return 0;
  },
};
