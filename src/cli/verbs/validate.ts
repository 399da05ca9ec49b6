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
    const loaded = context.toolbox.configuration(flags);
    const report = loaded.ok ? await context.toolbox.registry(loaded.configuration) : null;
    const problems: readonly Problem[] = loaded.ok ? (report?.problems ?? []) : loaded.problems;
    const versions = report?.snapshot.versions ?? [];
    const prompts = new Set(versions.map((version) => version.prompt)).size;
    if (flags['json'] === true) {
      output.print(
        JSON.stringify(
          { valid: problems.length === 0, problems, prompts, versions: versions.length, notes: report?.notes ?? [] },
          null,
          2,
        ),
      );
      return problems.length === 0 ? 0 : 1;
    }
    for (const note of report?.notes ?? []) output.note(styled(output, 'dim', note));
    if (problems.length > 0) {
      output.print(formatProblems(problems));
      output.note(styled(output, 'red', `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}.`));
      return 1;
    }
    output.print(
      styled(
        output,
        'green',
        `Valid: ${prompts} prompts, ${versions.length} versions, ${report?.snapshot.pins.length ?? 0} pins.`,
      ),
    );
    return 0;
  },
};
