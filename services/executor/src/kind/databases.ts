/** The databases that targets name, as kinds reach them. */
import type pg from 'pg'

export interface Databases extends AsyncDisposable {
  /**
   * Runs `work` on a connection from the pool. What it leaves in the session is gone before the next use.
   *
   * @throws {DeedError} `unknown_target`, `unavailable`, and `limit_exceeded` where the database sends more than 8 MB
   */
  pooled<T>(target: string, work: (client: pg.ClientBase) => Promise<T>): Promise<T>
  /** As `pooled`, on a connection of its own, which nothing has used before. */
  fresh<T>(target: string, work: (client: pg.ClientBase) => Promise<T>): Promise<T>
}
