/** A number with what it counts, as in `1 row` and `2 rows`. @param many where it is not `one` and an s */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`
