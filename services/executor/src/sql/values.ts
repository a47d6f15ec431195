/** Values of PostgreSQL as JSON without loss: what a JSON number cannot hold exactly stays as the server writes it. */
import type { Json } from '@deed/proto/json'
import pg from 'pg'

type Parse = (text: string) => Json

const asWritten: Parse = (text) => text

/** Of json and jsonb: a value in which a number would be rounded, or one of two equal keys lost, stays a text. */
function exactJson(text: string): Json {
  let exact = true
  let kept = 0
  const value = JSON.parse(text, function (this: unknown, key: string, item: Json, context: { source?: string }) {
    if (typeof item === 'number' && !isExact(item, context.source ?? '')) exact = false
    if (key !== '' && !Array.isArray(this)) kept++
    return item
  } as (key: string, value: Json) => Json)
  // The root comes under an empty key, as a key that is empty does: neither is counted.
  const keys = [...text.matchAll(/"((?:[^"\\]|\\.)*)"(\s*:)?/gs)].filter(([, key, colon]) => colon && key !== '').length
  return exact && keys === kept ? value : text
}

const exactNumber: Parse = (text) => (isExact(Number(text), text) ? Number(text) : text)

/** Beyond 2^53 a reader cannot tell whether an integer was rounded, so none is written as a number. */
const isExact = (value: number, text: string): boolean =>
  Number.isFinite(value) &&
  (Number.isSafeInteger(value) || !Number.isInteger(value)) &&
  decimalOf(String(value)) === decimalOf(text)

/** int2, int4, oid, int8, float4, float8; a numeric stays a text, since its scale says something. */
const NUMBERS: ReadonlySet<number> = new Set([21, 23, 26, 20, 700, 701])
const NUMERIC = 1700
const PARSERS: ReadonlyMap<number, Parse> = new Map<number, Parse>([
  [16, (text) => text === 't'],
  [114, exactJson],
  [3802, exactJson],
  ...[...NUMBERS].map((oid): [number, Parse] => [oid, exactNumber]),
])

/** The type of an array, and that of its elements; bool, int2, int4, oid, int8, float4, float8, json, jsonb, the rest as texts. */
const ELEMENTS: ReadonlyMap<number, number> = new Map([
  ...([
    [1000, 16],
    [1005, 21],
    [1007, 23],
    [1028, 26],
    [1016, 20],
    [1021, 700],
    [1022, 701],
    [199, 114],
    [3807, 3802],
  ] as const),
  ...[1001, 1002, 1003, 1009, 1014, 1015, 1041, 1115, 1182, 1183, 1185, 1187, 1231, 1270, 2951].map(
    (oid): [number, number] => [oid, 25],
  ),
])

/** `pg` has it, its types do not. */
const { arrayParser } = pg.types as unknown as {
  arrayParser: { create(text: string, parse: Parse): { parse(): Json } }
}

/** Whether a value of the type is a number, whatever JSON has for it. */
export const isNumber = (oid: number): boolean => NUMBERS.has(oid) || oid === NUMERIC

export const exactTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid: number) => {
    const element = ELEMENTS.get(oid)
    if (element === undefined) return PARSERS.get(oid) ?? asWritten
    return (text: string) => arrayParser.create(text, PARSERS.get(element) ?? asWritten).parse()
  },
} as pg.CustomTypesConfig

const DECIMAL = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/

/**
 * One spelling for each decimal number, so that two are equal exactly when their values are: `1.10` and `11e-1` are.
 *
 * @returns `undefined` for what is no decimal number, as `NaN`
 */
export function decimalOf(text: string): string | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] = DECIMAL.exec(text.trim()) ?? []
  if (whole + fraction === '') return undefined
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  return `${sign === '-' ? '-' : ''}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`
}
