/** Names of tasks, each once in an execution. */

/** An unused name derived from the wanted one. */
export function freeName(taken: Set<string>, wanted: string): string {
  let name = wanted
  for (let number = 2; taken.has(name); number++) name = `${wanted}-${number}`
  taken.add(name)
  return name
}
