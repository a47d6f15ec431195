/** Brings the tables up to date and ends: `deed prepare` runs it where services are deployed apart. */
import { migrateAlone } from '@deed/store/migrate-alone'
import { migrations } from './store/migrations.ts'

await migrateAlone('organization', migrations)
