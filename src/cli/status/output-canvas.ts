const DEFAULT_COLUMNS = 100

/** How wide stdout is, and whether it has colours. */
export function outputCanvas(): { readonly columns: number; readonly colour: boolean } {
  const { isTTY, columns } = process.stdout
  return {
    // A terminal that does not know its width says 0.
    columns: columns || DEFAULT_COLUMNS,
    colour: isTTY === true && process.stdout.hasColors(),
  }
}
