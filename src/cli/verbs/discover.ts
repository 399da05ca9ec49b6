/** `plumbline discover`: what a source holds, which registered prompt each is, and what to watch of it. */

import { confirm } from '../confirm.ts';
import { needConfiguration } from '../context.ts';
import { discoveryJson, printDiscovery } from '../print-discovery.ts';
import { styled } from '../output.ts';
import { textFlag, type Verb } from '../verb.ts';

export const discover: Verb = {
  usage: 'discover <source>',
  summary: 'List what a source holds, match it to registered prompts, and propose targets and pins.',
  options: [
    ['--write', 'add them to plumbline.yaml and the lockfile, after asking'],
    ['--yes', 'do not ask'],
    ['--all', 'propose targets also for what nobody registered'],
    ['--owner <owner>', 'register what nobody registered, as prompts of this owner'],
  ],
  examples: ['discover prod-langfuse', 'discover prod-langfuse --write', 'discover voice --owner voice-team --write'],
  run: async ([source = ''], flags, context) => {
    const { output, toolbox } = context;
    const wishes = { all: flags['all'] === true, owner: textFlag(flags, 'owner') ?? null };
    const { report, write } = await toolbox.discover(await needConfiguration(flags, context), source, wishes);
    const isJson = flags['json'] === true;
    if (!isJson) printDiscovery(report, output);
    const targets = report.found.filter(({ target }) => target !== null).length;
    const changes = targets + report.pins.length + report.prompts.length;
    const prompts = report.prompts.length === 0 ? '' : `${report.prompts.length} prompts, `;
    const question = `Add ${prompts}${targets} targets and ${report.pins.length} pins?`;
    const writes = flags['write'] === true && changes > 0 && (flags['yes'] === true || (await confirm(question)));
    const written = writes ? await write() : [];
    if (isJson) output.json(discoveryJson(report, written));
    else for (const file of written) output.print(`${styled(output, 'green', 'wrote')}  ${file}`);
    if (!isJson && changes > 0 && !writes) output.note('Nothing was written: --write adds it.');
    const isRegistered = written.length > 0 && report.prompts.length > 0;
    return report.found.some(({ status }) => status === 'edited' || (status === 'unregistered' && !isRegistered))
      ? 1
      : 0;
  },
};
