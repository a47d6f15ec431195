/** A grant from what was typed. Pure. */
import type { Input } from '../app/contracts.ts'
import { requiredSpanMs } from '../text/spans.ts'

/** @param now milliseconds since 1970 @throws {Error} that says what to type instead */
export function grantOf(values: Readonly<Record<string, string>>, now: number): Input<'grant.put'> {
  const { kind = '', level, until = '', input = '' } = values
  const given = (['target', 'path', 'workspace', 'user', 'reason'] as const)
    .filter((name) => values[name])
    .map((name) => [name, values[name]])
  return {
    kind,
    level: level === '2' ? 2 : 1,
    expires_at: new Date(now + requiredSpanMs(until, 'For')).toISOString(),
    ...Object.fromEntries(given),
    ...(input === '' ? {} : { input: argumentsOf(input) }),
  }
}

function argumentsOf(text: string): NonNullable<Input<'grant.put'>['input']> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as NonNullable<Input<'grant.put'>['input']>
    }
  } catch {}
  throw new Error('Arguments: type a JSON object, as in {"argv": ["npm", "test"]}.')
}
