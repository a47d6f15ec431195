/** Decisions and votes, what they lead to, messages and memories. */
import { type Kysely, sql } from 'kysely'

const ROLE = `'ceo', 'cto', 'chro', 'operations_head', 'product_manager', 'senior_architect', 'uiux_engineer',
  'senior_developer', 'test_lead'`

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...DECISIONS, ...RESULTS, ...NOTES, ...VIEWS]) await sql.raw(statement).execute(db)
}

const DECISIONS = [
  `create table decisions (
    tenant text not null,
    decision_id uuid not null,
    type text not null check (type in ('strategic_initiative', 'allocation', 'technology', 'architecture', 'standard',
      'release', 'deployment', 'priority', 'mandate', 'hold')),
    mode text not null check (mode in ('autonomous', 'collaborative', 'hierarchical', 'human')),
    status text not null check (status in ('pending', 'approved', 'rejected', 'escalated')),
    proposed_by text not null check (proposed_by in (${ROLE})),
    key text,
    subject jsonb not null,
    rationale text not null,
    facts jsonb not null,
    rule text not null,
    authority_version text not null,
    voters text[] not null default '{}',
    quorum integer not null default 0,
    margin double precision not null default 0,
    due_at timestamptz,
    -- Whether a person must decide. Once true it stays so: a decision is put to a person once.
    asks_person boolean not null default false,
    -- Of the question to that person.
    execution_id uuid,
    consensus_score double precision check (consensus_score between -1 and 1),
    proposed_at timestamptz not null default now(),
    decided_at timestamptz,
    decided_by text,
    why text,
    primary key (tenant, decision_id),
    constraint decisions_are_decided_by_somebody check (
      (status in ('approved', 'rejected')) = (decided_at is not null and decided_by is not null)),
    constraint nobody_decides_alone_what_is_voted check (mode <> 'collaborative' or cardinality(voters) >= quorum),
    constraint nobody_votes_on_an_own_proposal check (not proposed_by = any(voters))
  )`,
  'create unique index decisions_key on decisions (tenant, proposed_by, key) where key is not null',
  `create index decisions_open on decisions (due_at) where status in ('pending', 'escalated')`,
  `create index decisions_named on decisions (tenant, type, (subject ->> 'name'), decision_id)`,
  `create table decision_votes (
    tenant text not null,
    decision_id uuid not null,
    role text not null check (role in (${ROLE})),
    vote text not null check (vote in ('approve', 'reject', 'abstain')),
    confidence double precision not null check (confidence between 0 and 1),
    rationale text not null check (rationale <> ''),
    evidence jsonb not null check (jsonb_array_length(evidence) > 0),
    cast_at timestamptz not null default now(),
    primary key (tenant, decision_id, role),
    foreign key (tenant, decision_id) references decisions
  )`,
]

const RESULTS = [
  `create table allocations (
    tenant text not null,
    -- 'organization' is the parent of all others.
    department text not null,
    amount_cents bigint not null check (amount_cents >= 0),
    allocated_cents bigint not null default 0 check (allocated_cents >= 0),
    -- Of the organization: what people gave beyond the policy's total.
    granted_cents bigint not null default 0 check (granted_cents >= 0),
    updated_at timestamptz not null default now(),
    primary key (tenant, department),
    constraint allocations_are_kept check (allocated_cents <= amount_cents)
  )`,
  `create table standards (
    tenant text not null,
    name text not null,
    rule text not null,
    decision_id uuid not null,
    since timestamptz not null default now(),
    primary key (tenant, name)
  )`,
  `create table permits (
    tenant text not null,
    decision_id uuid not null,
    environment text not null,
    release text not null,
    valid_until timestamptz not null,
    primary key (tenant, decision_id, environment)
  )`,
  'create index permits_of on permits (tenant, environment, valid_until)',
  `create table mandates (
    tenant text not null,
    decision_type text not null,
    change jsonb not null,
    decision_id uuid not null,
    since timestamptz not null default now(),
    primary key (tenant, decision_type)
  )`,
  `create table holds (
    tenant text not null,
    target text not null,
    held_by text not null check (held_by in (${ROLE})),
    reason text not null check (reason <> ''),
    decision_id uuid not null,
    valid_until timestamptz not null,
    primary key (tenant, target)
  )`,
  `create table backlog (
    tenant text not null,
    backlog_id uuid not null,
    kind text not null check (kind in ('feature', 'debt', 'finding')),
    name text not null,
    text text not null,
    proposed_by text not null check (proposed_by in (${ROLE})),
    status text not null default 'proposed' check (status in ('proposed', 'in_work', 'done', 'dropped')),
    -- Those that nobody ranked come last, in the order in which they were proposed.
    rank integer,
    criteria jsonb not null default '[]',
    evidence jsonb not null default '[]',
    proposed_at timestamptz not null default now(),
    primary key (tenant, backlog_id),
    unique (tenant, name),
    constraint done_by_criteria check (status <> 'done' or jsonb_array_length(criteria) > 0)
  )`,
  `create index backlog_order on backlog (tenant, rank) where rank is not null and status in ('proposed', 'in_work')`,
]

const NOTES = [
  `create table messages (
    tenant text not null,
    message_id uuid not null,
    sender text not null check (sender in (${ROLE})),
    recipient text not null check (recipient in (${ROLE}, 'all', 'leadership')),
    type text not null check (type in ('request', 'response', 'notification', 'escalation')),
    subject text not null,
    content text not null,
    thread_id uuid not null,
    hop integer not null check (hop between 1 and 6),
    sent_at timestamptz not null default now(),
    primary key (tenant, message_id),
    -- Two answers at once are two hops.
    unique (tenant, thread_id, hop)
  )`,
  'create index messages_sent_at on messages (sent_at)',
  'create index messages_of on messages (tenant, sender, sent_at)',
  `create table inbox (
    tenant text not null,
    role text not null check (role in (${ROLE})),
    message_id uuid not null,
    read_at timestamptz,
    primary key (tenant, role, message_id),
    foreign key (tenant, message_id) references messages on delete cascade
  )`,
  'create index inbox_unread on inbox (tenant, role) where read_at is null',
  'create index inbox_message on inbox (tenant, message_id)',
  // What happened, until the stream has it.
  `create table outbox (
    seq bigint generated always as identity primary key,
    event_id text not null,
    subject text not null,
    payload jsonb not null
  )`,
  `create table memories (
    tenant text not null,
    role text not null check (role in (${ROLE})),
    key text not null,
    content text not null,
    tags text[] not null default '{}',
    origin text,
    written_at timestamptz not null default now(),
    words tsvector generated always as (
      to_tsvector('simple', regexp_replace(key, '[^A-Za-z0-9]+', ' ', 'g')) || to_tsvector('simple', content)) stored,
    primary key (tenant, role, key)
  )`,
  'create index memories_words on memories using gin (words)',
  'create index memories_tags on memories using gin (tags)',
  `create table agent_status (
    tenant text not null,
    role text not null check (role in (${ROLE})),
    last_seen timestamptz not null,
    primary key (tenant, role)
  )`,
]

/** What others read: model budgets of departments, permits to deploy, holds of targets, the order of executions. */
const VIEWS = [
  `create view budgets as
    select tenant, department, amount_cents * 10000 as limit_microusd from allocations where department <> 'organization'`,
  `create view deployments as
    select tenant, environment, release, decision_id, valid_until from permits where valid_until > now()`,
  `create view held as
    select tenant, target, held_by, reason, valid_until from holds where valid_until > now()`,
  `create view work_order as
    select tenant, (c.criterion ->> 'execution_id')::uuid as execution_id, rank, c.place
    from backlog, jsonb_array_elements(criteria) with ordinality as c(criterion, place)
    where rank is not null and status in ('proposed', 'in_work') and c.criterion ->> 'execution_id' is not null`,
  `do $$ begin
    if exists (select from pg_roles where rolname = 'deed_orchestrator') then
      grant usage on schema organization to deed_orchestrator;
      grant select on organization.deployments, organization.held, organization.work_order to deed_orchestrator;
    end if;
    if exists (select from pg_roles where rolname = 'deed_hybrid_agent') then
      grant usage on schema organization to deed_hybrid_agent;
      grant select on organization.budgets to deed_hybrid_agent;
    end if;
  end $$`,
]
