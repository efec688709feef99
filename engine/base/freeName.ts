/** The wanted name, or the first of `name_2`, `name_3`, ... that is not taken. */
export function freeName(wanted: string, isTaken: (name: string) => boolean, join = '_'): string {
  let name = wanted;
  for (let i = 2; isTaken(name); i++) name = `${wanted}${join}${i}`;
  return name;
}
