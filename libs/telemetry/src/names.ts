/**
 * The names of attributes, as OpenTelemetry's semantic conventions have them.
 *
 * The conventions' package is imported for its types only: the compiler refuses a name that is not its name, and no
 * process loads its 2,600 constants. What the conventions do not have begins with `deed.`.
 */
import type * as conventions from '@opentelemetry/semantic-conventions/incubating'

type Conventions = typeof conventions
type Attribute = Extract<keyof Conventions, `ATTR_${string}`>

const conventional = <
  const Names extends { [Name in keyof Names]: Name extends Attribute ? Conventions[Name] : never },
>(
  names: Names,
): Names => names

export const {
  ATTR_DB_NAMESPACE: DB_NAMESPACE,
  ATTR_DB_OPERATION_BATCH_SIZE: DB_OPERATION_BATCH_SIZE,
  ATTR_DB_QUERY_SUMMARY: DB_QUERY_SUMMARY,
  ATTR_DB_SYSTEM_NAME: DB_SYSTEM_NAME,
  ATTR_ERROR_TYPE: ERROR_TYPE,
  ATTR_EXCEPTION_MESSAGE: EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_TYPE: EXCEPTION_TYPE,
  ATTR_GEN_AI_OPERATION_NAME: GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_PROVIDER_NAME: GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_REQUEST_MODEL: GEN_AI_REQUEST_MODEL,
  ATTR_GEN_AI_RESPONSE_FINISH_REASONS: GEN_AI_RESPONSE_FINISH_REASONS,
  ATTR_GEN_AI_RESPONSE_MODEL: GEN_AI_RESPONSE_MODEL,
  ATTR_GEN_AI_TOOL_NAME: GEN_AI_TOOL_NAME,
  ATTR_GEN_AI_USAGE_INPUT_TOKENS: GEN_AI_USAGE_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_OUTPUT_TOKENS: GEN_AI_USAGE_OUTPUT_TOKENS,
  ATTR_HTTP_REQUEST_METHOD: HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_RESEND_COUNT: HTTP_REQUEST_RESEND_COUNT,
  ATTR_HTTP_RESPONSE_STATUS_CODE: HTTP_RESPONSE_STATUS_CODE,
  ATTR_MCP_METHOD_NAME: MCP_METHOD_NAME,
  ATTR_MCP_PROTOCOL_VERSION: MCP_PROTOCOL_VERSION,
  ATTR_MESSAGING_BATCH_MESSAGE_COUNT: MESSAGING_BATCH_MESSAGE_COUNT,
  ATTR_MESSAGING_CONSUMER_GROUP_NAME: MESSAGING_CONSUMER_GROUP_NAME,
  ATTR_MESSAGING_DESTINATION_NAME: MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_DESTINATION_TEMPLATE: MESSAGING_DESTINATION_TEMPLATE,
  ATTR_MESSAGING_MESSAGE_BODY_SIZE: MESSAGING_MESSAGE_BODY_SIZE,
  ATTR_MESSAGING_MESSAGE_ID: MESSAGING_MESSAGE_ID,
  ATTR_MESSAGING_OPERATION_NAME: MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE: MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_SYSTEM_NAME: MESSAGING_SYSTEM_NAME,
  ATTR_OPENTRACING_REF_TYPE: OPENTRACING_REF_TYPE,
  ATTR_SERVER_ADDRESS: SERVER_ADDRESS,
  ATTR_SERVER_PORT: SERVER_PORT,
  ATTR_SERVICE_NAME: SERVICE_NAME,
} = conventional({
  ATTR_DB_NAMESPACE: 'db.namespace',
  ATTR_DB_OPERATION_BATCH_SIZE: 'db.operation.batch.size',
  ATTR_DB_QUERY_SUMMARY: 'db.query.summary',
  ATTR_DB_SYSTEM_NAME: 'db.system.name',
  ATTR_ERROR_TYPE: 'error.type',
  ATTR_EXCEPTION_MESSAGE: 'exception.message',
  ATTR_EXCEPTION_TYPE: 'exception.type',
  ATTR_GEN_AI_OPERATION_NAME: 'gen_ai.operation.name',
  ATTR_GEN_AI_PROVIDER_NAME: 'gen_ai.provider.name',
  ATTR_GEN_AI_REQUEST_MODEL: 'gen_ai.request.model',
  ATTR_GEN_AI_RESPONSE_FINISH_REASONS: 'gen_ai.response.finish_reasons',
  ATTR_GEN_AI_RESPONSE_MODEL: 'gen_ai.response.model',
  ATTR_GEN_AI_TOOL_NAME: 'gen_ai.tool.name',
  ATTR_GEN_AI_USAGE_INPUT_TOKENS: 'gen_ai.usage.input_tokens',
  ATTR_GEN_AI_USAGE_OUTPUT_TOKENS: 'gen_ai.usage.output_tokens',
  ATTR_HTTP_REQUEST_METHOD: 'http.request.method',
  ATTR_HTTP_REQUEST_RESEND_COUNT: 'http.request.resend_count',
  ATTR_HTTP_RESPONSE_STATUS_CODE: 'http.response.status_code',
  ATTR_MCP_METHOD_NAME: 'mcp.method.name',
  ATTR_MCP_PROTOCOL_VERSION: 'mcp.protocol.version',
  ATTR_MESSAGING_BATCH_MESSAGE_COUNT: 'messaging.batch.message_count',
  ATTR_MESSAGING_CONSUMER_GROUP_NAME: 'messaging.consumer.group.name',
  ATTR_MESSAGING_DESTINATION_NAME: 'messaging.destination.name',
  ATTR_MESSAGING_DESTINATION_TEMPLATE: 'messaging.destination.template',
  ATTR_MESSAGING_MESSAGE_BODY_SIZE: 'messaging.message.body.size',
  ATTR_MESSAGING_MESSAGE_ID: 'messaging.message.id',
  ATTR_MESSAGING_OPERATION_NAME: 'messaging.operation.name',
  ATTR_MESSAGING_OPERATION_TYPE: 'messaging.operation.type',
  ATTR_MESSAGING_SYSTEM_NAME: 'messaging.system.name',
  ATTR_OPENTRACING_REF_TYPE: 'opentracing.ref_type',
  ATTR_SERVER_ADDRESS: 'server.address',
  ATTR_SERVER_PORT: 'server.port',
  ATTR_SERVICE_NAME: 'service.name',
})

export const EXECUTION_ID = 'deed.execution.id'
export const TASK_ID = 'deed.task.id'
export const TENANT = 'deed.tenant'
export const DELIVERY_COUNT = 'deed.delivery.count'
/** Why a span is linked: to what created the message, to an earlier delivery, attempt or trace. */
export const LINK_KIND = 'deed.link'
