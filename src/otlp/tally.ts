/** Counts of one request while it is decoded, with its limits enforced. */

import { DecodeError, type DecodeLimits } from './limits.ts';
import type { Decoded, OtlpGroup } from './model.ts';

export class Tally {
  readonly limits: DecodeLimits;
  #items = 0;
  #groups = 0;
  #attributes = 0;
  #nested = 0;
  #rejected = 0;
  #rejectedReason = '';

  constructor(limits: DecodeLimits) {
    this.limits = limits;
  }

  item(): void {
    if (++this.#items > this.limits.itemsMax) {
      throw new DecodeError('too_many', `The request holds more than ${this.limits.itemsMax} records.`);
    }
  }

  group(): void {
    if (++this.#groups > this.limits.groupsMax) {
      throw new DecodeError('too_many', `The request holds more than ${this.limits.groupsMax} resources and scopes.`);
    }
  }

  attribute(): void {
    if (++this.#attributes > this.limits.attributesInAllMax) {
      throw new DecodeError('too_many', `The request holds more than ${this.limits.attributesInAllMax} attributes.`);
    }
  }

  /** One element of an array or a map. */
  nested(): void {
    if (++this.#nested > this.limits.nestedMax) {
      throw new DecodeError(
        'too_many',
        `The request's arrays and maps hold more than ${this.limits.nestedMax} values.`,
      );
    }
  }

  /** An item that was counted and can't be used. */
  reject(reason: string): void {
    this.#rejected++;
    if (this.#rejectedReason === '') this.#rejectedReason = reason;
  }

  finish<Item>(groups: readonly OtlpGroup<Item>[]): Decoded<Item> {
    return {
      outcome: 'decoded',
      groups,
      accepted: this.#items - this.#rejected,
      rejected: this.#rejected,
      rejectedReason: this.#rejectedReason,
    };
  }
}

export const NO_IDENTITY = 'A span needs a trace id of 16 bytes and a span id of 8 bytes, not all zero.';
