/**
 * Which prompts the calls of each service carry, from those whose text fits one prompt alone. It
 * speaks only where a text fits several prompts equally well. In memory; bounded.
 */

// Names of services are a deployment's, but a sender may make them up.
const SERVICES_MAX = 5_000;
const PROMPTS_MAX = 200;
/** Fewer may be tests. */
const CALLS_MIN = 5;

export class ServicePrompts {
  readonly #services = new Map<string, Map<string, number>>();

  note(environment: string, service: string, prompt: string, calls = 1): void {
    const key = keyOf(environment, service);
    let prompts = this.#services.get(key);
    if (prompts === undefined) {
      if (this.#services.size >= SERVICES_MAX) return;
      prompts = new Map();
      this.#services.set(key, prompts);
    }
    const known = prompts.get(prompt);
    if (known !== undefined || prompts.size < PROMPTS_MAX) prompts.set(prompt, (known ?? 0) + calls);
  }

  /** Enough of its calls carry this prompt to say that it uses it. */
  uses(environment: string, service: string, prompt: string): boolean {
    return (this.#services.get(keyOf(environment, service))?.get(prompt) ?? 0) >= CALLS_MIN;
  }
}

function keyOf(environment: string, service: string): string {
  return `${environment}\n${service}`;
}
