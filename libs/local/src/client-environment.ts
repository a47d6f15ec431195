/**
 * Removes variables of the user's shell that would affect the clients in this process: the PostgreSQL client fills in
 * from `PG*` what a URL omits, and `fetch` may use a proxy for 127.0.0.1.
 */

/** The libpq variables that the PostgreSQL client reads. A target may use others with the same prefix. */
const POSTGRES_VARIABLES = [
  ...['PGHOST', 'PGPORT', 'PGUSER', 'PGPASSWORD', 'PGPASSFILE', 'PGDATABASE', 'PGOPTIONS', 'PGAPPNAME'],
  ...['PGSSLMODE', 'PGSSLNEGOTIATION', 'PGSSLCERT', 'PGSSLKEY', 'PGSSLROOTCERT', 'PGCONNECT_TIMEOUT'],
  ...['PGCLIENT_ENCODING', 'PGREPLICATION', 'PGBINARY', 'NODE_PG_FORCE_NATIVE'],
]
const LOOPBACK = ['127.0.0.1', 'localhost', '::1']

/** Removes them from the environment; call it before the first server is started or connected to. */
export function dropClientVariables(env: NodeJS.ProcessEnv = process.env): void {
  for (const name of POSTGRES_VARIABLES) delete env[name]
  // Read at each request, unlike the addresses of the proxies.
  const name = env.no_proxy === undefined ? 'NO_PROXY' : 'no_proxy'
  env[name] = [...(env[name] ? [env[name]] : []), ...LOOPBACK].join(',')
}
