/** The task types, and the words that indicate each. */

interface Vocabulary {
  /** Verbs that begin a task of this type. */
  readonly lead: string
  /** Expressions of one or two words, by the strength of their evidence: 3, 2 and 1 votes. */
  readonly strong: string
  readonly medium: string
  readonly weak: string
}

export const TASK_TYPES = [
  'nats_consumer',
  'testing',
  'bugfix',
  'security',
  'documentation',
  'service_restart',
  'diagnostics',
  'inventory_query',
  'deployment',
  'microservice',
  'database',
  'api_endpoint',
  'web_component',
  'refactoring',
  'performance',
  'devops',
  'configuration',
  'data_processing',
  'general',
] as const
export type TaskType = (typeof TASK_TYPES)[number]

export const VOCABULARY: Readonly<Record<TaskType, Vocabulary>> = {
  nats_consumer: {
    lead: 'consume, subscribe',
    strong:
      'nats, jetstream, nats consumer, queue group, durable consumer, pull consumer, event consumer, message consumer',
    medium:
      'consumer, subscriber, consume, subscription, dead letter, event handler, process event, processing event, from stream',
    weak: 'subject, message, event, stream, queue, acknowledge, publish',
  },
  testing: {
    lead: 'test, cover, mock',
    strong:
      'unit test, integration test, e2e test, regression test, property test, snapshot test, test suite, test case, test coverage, write test, add test, vitest, jest, exunit, pytest, playwright, assertion, pytest case, tests for, tests to',
    medium: 'coverage, mock, fixture, spec file, e2e',
    weak: 'test, tests, testing, suite',
  },
  bugfix: {
    lead: 'fix, debug, repair, correct, resolve, patch',
    strong:
      'bug, bugfix, off by, null pointer, stack trace, race condition, memory leak, typeerror, exception, fix failing, throw error',
    medium:
      'fix, crash, regression, incorrect, defect, broken, cause and, fails when, failing, fix it, wrong, misbehave, segfault, deadlock',
    weak: 'error, wrong, fails, failure, debug, repair, leak, issue, throw, twice',
  },
  security: {
    lead: 'harden, encrypt, audit, sanitize, rotate',
    strong:
      'security, vulnerability, xss, csrf, sql injection, injection, cve, argon2, bcrypt, encrypt, brute force, access control, leaked secret, secret, firewall, oauth, owasp, penetration, least privilege',
    medium:
      'permission, authentication, authorization, password, jwt, token, harden, sanitize, tls, rbac, hash, revoke, role based, exploit',
    weak: 'key, login, credential, rate, limit, policy, secure, audit, user input',
  },
  documentation: {
    lead: 'document, describe, explain, draft',
    strong:
      'readme, documentation, docstring, changelog, release note, jsdoc, tutorial, runbook, user guide, started guide, manual, typedoc, architecture overview',
    medium: 'document, doc, docs, guide, adr, wiki, comment, in comments, faq, overview',
    weak: 'explain, describe, example, diagram, wording, overview, write',
  },
  service_restart: {
    lead: 'restart, reboot, bounce, stop, recycle, start, revive',
    strong:
      'restart, reboot, is down, bring back, back up again, restart service, restart it, not responding, unresponsive',
    medium: 'down, died, hung, start service, stop service, respond, back up',
    weak: 'service, server, worker, again',
  },
  diagnostics: {
    lead: 'diagnose, ping, inspect, troubleshoot',
    strong:
      'disk space, health check, disk usage, memory usage, cpu usage, status of, port, uptime, the status, is running, diagnose, memory is, which process, load on, swap',
    medium:
      'check, status, running, why is, cpu, disk, free, log, logs, ping, health, network connection, the load, reachable, slow, responding, expire',
    weak: 'host, memory, machine, lines of, show, why, server, process, usage, certificate, connection',
  },
  inventory_query: {
    lead: 'count, list',
    strong:
      'asset, inventory, how many, workstation, laptop, server detail, serial number, warranty, who owns, devices, printer, hardware, details for, details of',
    medium: 'which server, count, device, license, licens, owned, owner, bought, show server, all servers, data center',
    weak: 'list, show, find, details, servers, have, which, windows',
  },
  deployment: {
    lead: 'deploy, release, ship, promote, redeploy, publish',
    strong:
      'deploy, redeploy, roll out, rollout, roll back, blue green, canary, to production, to staging, to prod, zero downtime, go live',
    medium: 'deployment, release, version, production, staging, replica, prod, promote, rollback',
    weak: 'ship, push, scale, regions, build, npm',
  },
  microservice: {
    lead: 'scaffold, bootstrap',
    strong:
      'microservice, standalone service, micro service, grpc service, backend service, new service, separate service, event driven, service skeleton',
    medium:
      'scaffold, grpc, skeleton, monolith, service for, small service, worker service, service that, typescript service, graceful shutdown',
    weak: 'service, own, backend',
  },
  database: {
    lead: 'normalize, partition, migrate',
    strong:
      'migration, foreign key, stored procedure, sql query, table, add column, ecto schema, schema, sql migration, materialized view, primary key',
    medium:
      'sql, postgres, postgresql, database, column, index on, mysql, sqlite, ecto, joins, a query, trigger, query that, view of',
    weak: 'index, query, view, rows, users, tables, constraint, orders',
  },
  api_endpoint: {
    lead: 'expose',
    strong:
      'api endpoint, rest endpoint, endpoint, rest api, graphql, webhook, express route, http handler, json api, controller action, fastapi, route for, openapi endpoint',
    medium: 'api, rest, route, router, resolver, crud, controller, http, get, post, put, delete, request handler',
    weak: 'json, pagination, validation, handler, express, status code, health, return',
  },
  web_component: {
    lead: 'style',
    strong:
      'react, vue, svelte, component, navbar, liveview, modal, tailwind, css, web component, landing page, login form, date picker, dropdown, sidebar, dark mode, spinner, custom element, tooltip',
    medium:
      'button, form, widget, dialog, page, layout, html, frontend, toggle, responsive, carousel, menu, footer, sortable table, react component, mobile',
    weak: 'dashboard, ui, render, client side, settings page, chart, header, collapsible',
  },
  refactoring: {
    lead: 'refactor, rename, simplify, restructure, extract, deduplicate, modernize, inline, split, reorganize, convert, move, replace',
    strong:
      'refactor, dead code, clean up, legacy, codebase, async await, duplicate code, composition, code smell, smaller files, own module, smaller functions, helper function, wrapper function',
    medium:
      'rename, restructure, simplify, extract, into its, smaller, function, duplication, readability, callback, inheritance, conditional, everywhere, deduplicate, tidy, folder layout, out of',
    weak: 'module, code, class, move, split, controller, helper, replace, method',
  },
  performance: {
    lead: 'optimize, optimise, speed, profile, benchmark, tune, accelerate',
    strong:
      'performance, faster, optimize, optimise, speed up, latency, bottleneck, throughput, benchmark, profile, n 1, bundle size, garbage collection, cpu usage of, memory use',
    medium: 'slow, second, caching, p99, p95, reduce, memory, cpu, twice as, too long, hot path, lower',
    weak: 'cache, load, usage, improve, efficient, time, query',
  },
  devops: {
    lead: 'provision, automate, containerize',
    strong:
      'dockerfile, docker, github action, helm, terraform, kubernetes manifest, ci, gitlab, ansible, docker compose, pipeline that, ci pipeline, bash script, shell script, systemd unit, prometheus, grafana, kubernetes, jenkins, cron job, s3 bucket, argo',
    medium:
      'pipeline, ci cd, container, k8s, compose, chart for, manifest, cluster, systemd, provision, vm, bucket, backup, back up, backs up, workflow, exporter',
    weak: 'script, automate, image, monitoring, volume, build, replica, action',
  },
  configuration: {
    lead: 'configure',
    strong:
      'config, configuration, environment variable, env, log level, settings, feature flag, tsconfig, eslint, config file, default settings, yaml configuration, configurable, pool size, config yaml, application setting, nginx conf',
    medium:
      'configure, setting, yaml, toml, conf, ini, flag, linter, timeout setting, strict mode, prettier, editorconfig, hard coded',
    weak: 'variable, default, timeout, limit, set, define, variables, options',
  },
  data_processing: {
    lead: 'parse, transform, aggregate, filter, merge, import, compute',
    strong:
      'csv, etl, parquet, dataset, pandas, spreadsheet, data pipeline, excel, line by, json logs, aggregate, batch process, dataframe, raw data',
    medium:
      'parse, transform, convert, filter, data, merge, export, record, import, average, feed, xml, duplicates, readings, rows, dedupe, scrap, sensor, timestamp, jsonl, sums',
    weak: 'json, file, join, compute, logs, count, clean, extract, process, group, s3, normalize',
  },
  general: { lead: '', strong: '', medium: '', weak: '' },
}
