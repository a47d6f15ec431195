/**
 * Variables that a person's shell may have for other servers, and that the clients in this process would go by: the
 * PostgreSQL client fills in from `PG*` whatever a URL leaves out, and `fetch` may ask a proxy for 127.0.0.1.
 */

/** Of libpq's variables, those that the client here reads. A target may name others that begin alike. */
const POSTGRES_VARIABLES = [
  ...['PGHOST', 'PGPORT', 'PGUSER', 'PGPASSWORD', 'PGPASSFILE', 'PGDATABASE', 'PGOPTIONS', 'PGAPPNAME'],
  ...['PGSSLMODE', 'PGSSLNEGOTIATION', 'PGSSLCERT', 'PGSSLKEY', 'PGSSLROOTCERT', 'PGCONNECT_TIMEOUT'],
  ...['PGCLIENT_ENCODING', 'PGREPLICATION', 'PGBINARY', 'NODE_PG_FORCE_NATIVE'],
]
const LOOPBACK = ['127.0.0.1', 'localhost', '::1']

/** Takes them out of the environment; before the first server is started or connected to. */
export function dropClientVariables(env: NodeJS.ProcessEnv = process.env): void {
  for (const name of POSTGRES_VARIABLES) delete env[name]
  // Read at each request, unlike the proxies' own addresses.
  const name = env.no_proxy === undefined ? 'NO_PROXY' : 'no_proxy'
  env[name] = [...(env[name] ? [env[name]] : []), ...LOOPBACK].join(',')
}
