/** Alerts: each is delivered by one replica, however often it is raised. */
import type { Alert } from '@deed/proto/alert'
import type { Database } from './schema.ts'

/** @returns whether it is new, so that the caller must deliver it */
export async function takeAlert(db: Database, alert: Alert): Promise<boolean> {
  const rows = await db.query(
    'orchestrator.take_alert',
    `insert into alerts (alert_id, tenant, alert, at) values ($1, $2, $3, $4)
     on conflict (alert_id) do nothing returning alert_id`,
    [alert.alert_id, alert.tenant, JSON.stringify(alert), alert.at],
  )
  return rows.length > 0
}

/** Alerts that a replica took and did not deliver for this long, oldest first; the caller must deliver them. */
export async function takeLeftAlerts(db: Database, leftMs: number, limit: number): Promise<Alert[]> {
  const rows = await db.query<{ alert: Alert }>(
    'orchestrator.take_left_alerts',
    `update alerts set taken_at = now() where alert_id in (
       select alert_id from alerts
        where delivered_at is null and taken_at < now() - make_interval(secs => $1::float8 / 1000)
        order by taken_at limit $2 for update skip locked)
     returning alert`,
    [leftMs, limit],
  )
  return rows.map(({ alert }) => alert)
}

export async function markDelivered(db: Database, { alert_id: id }: Alert): Promise<void> {
  await db.query('orchestrator.alert_delivered', 'update alerts set delivered_at = now() where alert_id = $1', [id])
}
