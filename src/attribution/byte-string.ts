/** UTF-8 bytes as a string of characters 0 to 255: V8 keeps it in one byte each and compares it with memcmp. */

/** A lone surrogate becomes the three bytes of U+FFFD, as in any encoder. */
export function toByteString(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

const NOT_ASCII = /[\x80-\xff]/;

export function fromByteString(bytes: string): string {
  return NOT_ASCII.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}
