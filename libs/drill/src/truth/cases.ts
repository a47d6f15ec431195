/** All cases of the truth drill. */
import { commands } from './cases/commands.ts'
import { files } from './cases/files.ts'
import { gitCases } from './cases/git.ts'
import { natsCases } from './cases/nats.ts'
import { servers } from './cases/servers.ts'
import { services } from './cases/services.ts'
import { sql } from './cases/sql.ts'

const TABLES = [files, commands, gitCases, sql, services, servers, natsCases]

export const LIES = TABLES.flatMap(({ lies }) => lies)
export const ORDINARY = TABLES.flatMap(({ ordinary }) => ordinary)
