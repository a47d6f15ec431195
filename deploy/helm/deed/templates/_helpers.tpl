{{- define "deed.services" -}}
{{ .Files.Get "files/services.yaml" }}
{{- end }}

{{- define "deed.ports.metrics" -}}9464{{- end }}
{{- define "deed.ports.console" -}}8080{{- end }}

{{/* Of everything in the release. */}}
{{- define "deed.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "deed.labels" -}}
{{ include "deed.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: deed
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* Called with (list context image). */}}
{{- define "deed.image" -}}
{{- $values := (index . 0).Values }}
{{- $image := index $values.image (index . 1) }}
{{- $repository := printf "%s%s" (ternary "" (printf "%s/" $values.image.registry) (empty $values.image.registry)) $image.repository }}
{{- if $image.digest }}{{ $repository }}@{{ $image.digest }}{{ else }}{{ $repository }}:{{ $image.tag | default (index . 0).Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "deed.natsUrl" -}}
{{- if eq .Values.nats.mode "bundled" -}}
{{- if eq (int .Values.nats.bundled.replicas) 1 -}}
nats://{{ .Release.Name }}-nats:{{ .Values.nats.port }}
{{- else -}}
{{- $root := . -}}
{{- range $index := until (int .Values.nats.bundled.replicas) -}}
{{- if $index }},{{ end }}nats://{{ $root.Release.Name }}-nats-{{ $index }}.{{ $root.Release.Name }}-nats:{{ $root.Values.nats.port }}
{{- end -}}
{{- end -}}
{{- else -}}
{{ required "nats.url: name the servers, such as nats://nats.nats:4222, or set nats.mode to bundled for an evaluation" .Values.nats.url }}
{{- end }}
{{- end }}

{{- define "deed.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "deed.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* How a user of NATS enters: environment, mounts, volumes. Called with (list context user). */}}
{{- define "deed.natsEnvironment" -}}
{{- $values := (index . 0).Values }}
- { name: NATS_URL, value: {{ include "deed.natsUrl" (index . 0) | quote }} }
- { name: NATS_NKEY_FILE, value: /run/secrets/nats/user.nk }
{{- if $values.nats.caSecret }}
- { name: NATS_CA_FILE, value: /run/secrets/nats-ca/ca.crt }
{{- end }}
{{- if $values.nats.clientSecret }}
- { name: NATS_CERT_FILE, value: /run/secrets/nats-client/tls.crt }
- { name: NATS_KEY_FILE, value: /run/secrets/nats-client/tls.key }
{{- end }}
{{- end }}

{{- define "deed.natsMounts" -}}
{{- $values := (index . 0).Values }}
- { name: nats, mountPath: /run/secrets/nats, readOnly: true }
{{- if $values.nats.caSecret }}
- { name: nats-ca, mountPath: /run/secrets/nats-ca, readOnly: true }
{{- end }}
{{- if $values.nats.clientSecret }}
- { name: nats-client, mountPath: /run/secrets/nats-client, readOnly: true }
{{- end }}
- { name: tmp, mountPath: /tmp }
{{- end }}

{{- define "deed.natsVolumes" -}}
{{- $values := (index . 0).Values }}
- name: nats
  secret: { secretName: {{ $values.nats.credentialsPrefix }}{{ index . 1 }}, defaultMode: 0440, items: [{ key: user.nk, path: user.nk }] }
{{- with $values.nats.caSecret }}
- name: nats-ca
  secret: { secretName: {{ . }}, defaultMode: 0440, items: [{ key: ca.crt, path: ca.crt }] }
{{- end }}
{{- with $values.nats.clientSecret }}
- name: nats-client
  secret: { secretName: {{ . }}, defaultMode: 0440 }
{{- end }}
- { name: tmp, emptyDir: {} }
{{- end }}

{{- define "deed.configuration" -}}
{{- $console := .Values.config.console | default dict }}
{{- if $console.url }}
{{- toYaml (merge (dict "console" (dict "host" ($console.host | default "0.0.0.0"))) (deepCopy .Values.config)) }}
{{- else }}
{{- toYaml .Values.config }}
{{- end }}
{{- end }}

{{/* Without a name of its own the console answers on the loopback of its pod: kubectl port-forward. */}}
{{- define "deed.consoleHost" -}}
{{- $url := (.Values.config.console | default dict).url | default "" }}
{{- (urlParse (required "config.console.url: say where people find the console, such as https://deed.example.com" $url)).host }}
{{- end }}

{{/* The port of a URL. */}}
{{- define "deed.portOf" -}}
{{- $url := urlParse . }}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) }}
{{- $port | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- end }}
