/** `deed mcp` speaks a protocol over standard output: it is reserved before any other module can write there. */
import { reserveStdout } from '@deed/process/reserve-stdout'

const TAKES_A_VALUE = new Set(['--data-dir', '--as'])

const args = process.argv.slice(2)
const command = args.find((word, index) => !word.startsWith('-') && !TAKES_A_VALUE.has(args[index - 1] ?? ''))
if (command === 'mcp' && !['install', '--help', '-h'].some((word) => args.includes(word))) reserveStdout()
