/** All cases of the truth drill. */
import { answers } from './cases/answers.ts'
import { checks } from './cases/checks.ts'
import { commands } from './cases/commands.ts'
import { entities } from './cases/entities.ts'
import { everydayFiles } from './cases/everyday-files.ts'
import { everydayGit } from './cases/everyday-git.ts'
import { fileUndos } from './cases/file-undos.ts'
import { files } from './cases/files.ts'
import { gitCases } from './cases/git.ts'
import { gitReads } from './cases/git-reads.ts'
import { heldProofs } from './cases/held-proofs.ts'
import { host } from './cases/host.ts'
import { http } from './cases/http.ts'
import { logs } from './cases/logs.ts'
import { natsCases } from './cases/nats.ts'
import { partsOfFiles } from './cases/parts-of-files.ts'
import { probedServices } from './cases/probed-services.ts'
import { readFiles } from './cases/read-files.ts'
import { refactorings } from './cases/refactorings.ts'
import { reverts } from './cases/reverts.ts'
import { services } from './cases/services.ts'
import { sql } from './cases/sql.ts'
import { sqlReads } from './cases/sql-reads.ts'
import { tests } from './cases/tests.ts'
import { units } from './cases/units.ts'

const TABLES = [
  ...[files, fileUndos, everydayFiles, readFiles, partsOfFiles, commands, tests, refactorings],
  ...[gitCases, everydayGit, reverts, gitReads],
  ...[
    sql,
    sqlReads,
    entities,
    services,
    probedServices,
    units,
    logs,
    host,
    http,
    checks,
    answers,
    natsCases,
    heldProofs,
  ],
]

export const LIES = TABLES.flatMap(({ lies }) => lies)
export const ORDINARY = TABLES.flatMap(({ ordinary }) => ordinary)
