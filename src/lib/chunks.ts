/** `items` in order, at most `size` of them together. */
export function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** `items` in order, together as long as they weigh no more than `weightMax` and are at most `itemsMax`; each at least one. */
export function chunksByWeight<Item>(
  items: readonly Item[],
  weightOf: (item: Item) => number,
  { weightMax, itemsMax }: { readonly weightMax: number; readonly itemsMax: number },
): Item[][] {
  const all: Item[][] = [];
  let weight = 0;
  for (const item of items) {
    const last = all.at(-1);
    weight += weightOf(item);
    if (last !== undefined && last.length < itemsMax && weight <= weightMax) {
      last.push(item);
    } else {
      all.push([item]);
      weight = weightOf(item);
    }
  }
  return all;
}
