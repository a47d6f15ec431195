/**
 * What each tool of a role of the organization asks of the mesh. A tool asks nothing else, and the permissions of the role's NATS user
 * follow from it, so a role's server can do no more than its tools, and nothing in the name of another role.
 */
import { ORGANIZATION_ROLES, type OrganizationRole } from './organization.ts'

const STATS = 'execution.stats'
const EXECUTIONS = 'execution.list'
const EXECUTION = 'execution.get'
const ALERTS = 'alert.list'
const APPROVALS = 'approval.list'
const CODE = 'analyze.codebase'
const WORKERS = 'worker.list'
const MONEY = 'organization.list-allocations'
const PROPOSE = 'organization.propose-decision'
const DECISIONS = 'organization.list-decisions'
const DECISION = 'organization.get-decision'
const ROLES = 'organization.list-roles'
const STANDARDS = 'organization.list-standards'
const HOLDS = 'organization.list-holds'
const BACKLOG = 'organization.list-backlog'
const ADD_ITEM = 'organization.add-backlog-item'
const SEND = 'organization.send-message'
const REMEMBER = 'organization.remember'
const RECALL = 'organization.recall'
/** Work, and the acceptance criterion that it is to show. */
const WORK = ['execution.request', 'organization.link-criterion'] as const

/** Of each role: its tools in the order in which they are listed, and the subjects that each asks. */
export const ROLE_TOOLS = {
  ceo: {
    approve_strategic_initiative: [MONEY, PROPOSE],
    allocate_budget: [MONEY, PROPOSE],
    escalate_to_board: ['organization.escalate-decision'],
    review_organizational_health: [STATS, ALERTS, MONEY, ROLES, RECALL],
    set_company_goal: [STATS, REMEMBER],
  },
  cto: {
    review_architecture: [CODE, STANDARDS, PROPOSE],
    select_technology: [CODE, PROPOSE],
    assess_technical_debt: [CODE, EXECUTIONS],
    approve_deployment: [ALERTS, PROPOSE],
    set_standard: [PROPOSE],
  },
  chro: {
    review_agent_performance: [ROLES, EXECUTIONS],
    plan_capacity: [WORKERS, STATS],
    change_mandate: [PROPOSE],
    onboard_agent: ['execution.request'],
    find_skill_gaps: [STATS, EXECUTIONS],
  },
  operations_head: {
    get_operations_status: [WORKERS, ALERTS, STATS, APPROVALS, 'goal.list', HOLDS],
    triage_incident: [ALERTS, EXECUTIONS, ADD_ITEM, ...WORK],
    run_runbook: WORK,
    hold_target: [PROPOSE, HOLDS, EXECUTIONS],
    review_slo: [EXECUTIONS],
  },
  product_manager: {
    define_feature: [ADD_ITEM],
    prioritize_backlog: [PROPOSE, BACKLOG],
    gather_requirements: [BACKLOG, RECALL, SEND],
    accept_feature: ['organization.accept-feature'],
    develop_feature: [BACKLOG, ...WORK],
  },
  senior_architect: {
    design_system: [CODE, PROPOSE],
    evaluate_technology: [CODE, DECISIONS],
    create_technical_spec: [BACKLOG, REMEMBER, ...WORK],
    check_conformance: [CODE, STANDARDS],
  },
  uiux_engineer: {
    audit_accessibility: [EXECUTION, ...WORK],
    measure_experience: [STATS, APPROVALS, EXECUTIONS],
    review_wording: [ALERTS, APPROVALS, EXECUTIONS],
    propose_change: [ADD_ITEM],
  },
  senior_developer: {
    find_code: ['code.search'],
    estimate_change: [EXECUTIONS],
    implement_change: WORK,
    review_change: [EXECUTION, STANDARDS],
  },
  test_lead: {
    define_test_plan: [BACKLOG],
    run_tests: WORK,
    run_drill: WORK,
    assess_release: [ALERTS, EXECUTION, PROPOSE],
    find_flaky: [EXECUTIONS],
  },
} as const satisfies Record<OrganizationRole, Record<string, readonly string[]>>

/** Those that every role has. */
export const COMMON_TOOLS = {
  send_message: [SEND],
  read_inbox: ['organization.read-inbox', DECISIONS],
  cast_vote: ['organization.cast-vote'],
  remember: [REMEMBER],
  recall: [RECALL],
} as const

/** The resources of every role: its brief, a decision, an item of the backlog, an execution. */
const RESOURCES = [ROLES, DECISION, BACKLOG, EXECUTION]

type ToolsOf<Role> = Role extends OrganizationRole ? keyof (typeof ROLE_TOOLS)[Role] : never
export type RoleToolName = ToolsOf<OrganizationRole> | keyof typeof COMMON_TOOLS

const BY_TOOL: Record<string, readonly string[]> = Object.assign({}, ...Object.values(ROLE_TOOLS), COMMON_TOOLS)

/** The subjects that a tool may ask. */
export const requestsOfTool = (name: RoleToolName): readonly string[] => BY_TOOL[name] ?? []

/** The subjects that the server of a role asks, each once. */
export const requestsOfRole = (role: OrganizationRole): string[] => [
  ...new Set([...Object.values(ROLE_TOOLS[role]), ...Object.values(COMMON_TOOLS), RESOURCES].flat()),
]

type Kebab<Text extends string> = Text extends `${infer Head}_${infer Tail}` ? `${Head}-${Kebab<Tail>}` : Text

/** The NATS user of a role's server. */
export type RoleUser = `mcp-${Kebab<OrganizationRole>}`
export const roleUser = (role: OrganizationRole): RoleUser => `mcp-${role.replaceAll('_', '-')}` as RoleUser
export const ROLE_USERS = ORGANIZATION_ROLES.map(roleUser)
