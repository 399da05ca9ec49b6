/** Lines of a file that anybody may have written: of bounded length, in UTF-8 or what PowerShell's `>` makes of it. */

import { TextDecoder } from 'node:util';

const CHARACTERS_MAX = 64 * 1024 * 1024;

/** Without their ends. A longer line is cut; a mark of the encoding at the beginning is left out. */
export async function* textLines(
  chunks: AsyncIterable<Uint8Array>,
  charactersMax = CHARACTERS_MAX,
): AsyncGenerator<string, void, undefined> {
  let decoder: TextDecoder | null = null;
  let pieces: string[] = [];
  let left = charactersMax;
  const add = (piece: string): void => {
    if (left > 0 && piece !== '') pieces.push(piece.slice(0, left));
    left -= piece.length;
  };
  const end = (): string => {
    const line = pieces.join('');
    pieces = [];
    left = charactersMax;
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  };
  for await (const chunk of chunks) {
    decoder ??= new TextDecoder(chunk[0] === 0xff && chunk[1] === 0xfe ? 'utf-16le' : 'utf-8');
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n');
    add(first);
    for (const other of others) {
      yield end();
      add(other);
    }
  }
  add(decoder?.decode() ?? '');
  if (pieces.length > 0) yield end();
}
