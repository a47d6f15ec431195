import type { Handler } from '@deed/mesh/bus'
import type { listWorkflows as contract } from '@deed/proto/workflow'
import { type WorkflowSources, workflowViews } from '../workflows/workflows.ts'

export const listWorkflows =
  (sources: WorkflowSources): Handler<typeof contract> =>
  async ({ name }) => ({
    workflows: workflowViews(sources).filter((one) => name === undefined || one.name === name),
  })
