{{/* The chart's name, or nameOverride. */}}
{{- define "sagebridge.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of the objects of this release; 43 characters leave room for the suffixes added to it. */}}
{{- define "sagebridge.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 43 | trimSuffix "-" }}
{{- else }}
{{- $name := include "sagebridge.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 43 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 43 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "sagebridge.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sagebridge.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sagebridge.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "sagebridge.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: sagebridge
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sagebridge.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "sagebridge.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "sagebridge.releaseFinalizersName" -}}
{{ include "sagebridge.fullname" . }}-release
{{- end }}

{{- define "sagebridge.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{/*
The plural names of the namespaced kinds, as a JSON list, read from the CRDs the chart carries: a kind that is added to
the CRDs gets its permissions with it.
*/}}
{{- define "sagebridge.kinds" -}}
{{- $plurals := list }}
{{- range $path, $_ := .Files.Glob "files/crds/*.yaml" }}
{{- $crd := $.Files.Get $path | fromYaml }}
{{- if eq $crd.spec.scope "Namespaced" }}
{{- $plurals = append $plurals $crd.spec.names.plural }}
{{- end }}
{{- end }}
{{- if not $plurals }}{{ fail "the chart carries no CRDs: run make crds" }}{{ end }}
{{- $plurals | sortAlpha | toJson }}
{{- end }}

{{/* The same names with the status subresource, as a JSON list. */}}
{{- define "sagebridge.kindStatuses" -}}
{{- $statuses := list }}
{{- range include "sagebridge.kinds" . | fromJsonArray }}
{{- $statuses = append $statuses (printf "%s/status" .) }}
{{- end }}
{{- $statuses | toJson }}
{{- end }}

{{/* The kinds that kubectl scale scales, with that subresource, as a JSON list. */}}
{{- define "sagebridge.kindScales" -}}
{{- $scales := list }}
{{- range $path, $_ := .Files.Glob "files/crds/*.yaml" }}
{{- $crd := $.Files.Get $path | fromYaml }}
{{- if (index $crd.spec.versions 0 | dig "subresources" "scale" dict) }}
{{- $scales = append $scales (printf "%s/scale" $crd.spec.names.plural) }}
{{- end }}
{{- end }}
{{- $scales | sortAlpha | toJson }}
{{- end }}

{{/* What the operator may do with the objects it serves, in the namespaces it watches. */}}
{{- define "sagebridge.workRules" -}}
- apiGroups: [sagebridge.io]
  resources: {{ include "sagebridge.kinds" . }}
  # patch: finalizer and annotations; delete: ttlSecondsAfterFinished
  verbs: [get, list, watch, patch, delete]
- apiGroups: [sagebridge.io]
  resources: {{ include "sagebridge.kindStatuses" . }}
  verbs: [get, update]
# source.configMap and environmentFrom{{ if .Values.cluster.enabled }}; with target: Cluster also what is recorded of an HPTuningJob{{ end }}.
# No list, no watch: only what an object names.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get{{ if .Values.cluster.enabled }}, create, patch, delete{{ end }}]
- apiGroups: [""]
  resources: [events]
  verbs: [create{{ if .Values.cluster.enabled }}, list, watch{{ end }}]
{{- if .Values.cluster.enabled }}
# target: Cluster. A Job, or a JobSet where it is installed and asked for, with its Service and ConfigMap for each attempt; annotations of pods tell their agents to stop.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [jobset.x-k8s.io]
  resources: [jobsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, patch]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
# An Endpoint: its Deployment, whose ReplicaSets know what served before an update, and who scales it. KEDA need not be there.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [list]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: [get, create, patch, delete]
# Why Kueue lets a Job wait, where Kueue is installed.
- apiGroups: [kueue.x-k8s.io]
  resources: [workloads]
  verbs: [list, watch]
{{- with .Values.settings.clusterGangScheduling }}
# What holds the hosts of a job together.
- apiGroups: [{{ get (dict "Coscheduling" "scheduling.x-k8s.io" "Volcano" "scheduling.volcano.sh" "Kubernetes" "scheduling.k8s.io") . }}]
  resources: [podgroups{{ if eq . "Kubernetes" }}, workloads{{ end }}]
  # delete: what is left of a spec that was mended since
  verbs: [get, create, patch, delete]
{{- end }}
# The trials of an HPTuningJob.
- apiGroups: [sagebridge.io]
  resources: [trainingjobs]
  verbs: [create]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [list{{ if .Values.cluster.fastFileVolumes }}, get, create{{ end }}]
{{- else if .Values.settings.pipelineStepGraceSeconds }}
# Whether the pods of pipelines' steps are there still; those with the label pipeline/runid are followed.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
{{- end }}
{{- end }}


{{/* One of .Values.settings as the text of an environment variable: lists by commas, maps and lists of maps as JSON, whole numbers without exponent. */}}
{{- define "sagebridge.settingText" -}}
{{- if and (kindIs "slice" .) (kindIs "map" (first .)) -}}
{{ toJson . }}
{{- else if kindIs "slice" . -}}
{{ join "," . }}
{{- else if kindIs "map" . -}}
{{ toJson . }}
{{- else if and (kindIs "float64" .) (eq (floor .) .) -}}
{{ int64 . }}
{{- else -}}
{{ toString . }}
{{- end -}}
{{- end }}

{{/* Where pods reach the log service; the operator's certificate has this name. */}}
{{- define "sagebridge.logsUrl" -}}
{{- $port := int .Values.logs.service.port -}}
https://{{ include "sagebridge.fullname" . }}-logs.{{ .Release.Namespace }}.svc{{ if ne $port 443 }}:{{ $port }}{{ end }}
{{- end }}

{{/* The operator's environment. The settings that the chart fixes come last. */}}
{{- define "sagebridge.environment" -}}
{{- range $key, $value := .Values.settings }}
{{- $isEmpty := or (kindIs "invalid" $value) (and (empty $value) (not (kindIs "float64" $value)) (not (kindIs "int64" $value)) (not (kindIs "bool" $value))) }}
{{- if not $isEmpty }}
- name: SAGEBRIDGE_{{ $key | snakecase | upper }}
  value: {{ include "sagebridge.settingText" $value | quote }}
{{- end }}
{{- end }}
{{- with .Values.watchNamespaces }}
- name: SAGEBRIDGE_WATCH_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- if .Values.cluster.enabled }}
- name: SAGEBRIDGE_AGENT_IMAGE
  value: {{ include "sagebridge.image" . | quote }}
- name: SAGEBRIDGE_CLUSTER_FAST_FILE_VOLUMES
  value: {{ .Values.cluster.fastFileVolumes | quote }}
{{- end }}
{{- if .Values.logs.enabled }}
- name: SAGEBRIDGE_LOGS_URL
  value: {{ include "sagebridge.logsUrl" . | quote }}
- name: SAGEBRIDGE_LOGS_PORT
  value: "8443"
{{- end }}
- name: SAGEBRIDGE_HEALTH_PORT
  value: "8080"
- name: SAGEBRIDGE_LEASE_NAMESPACE
  value: {{ .Release.Namespace | quote }}
- name: SAGEBRIDGE_LEASE_NAME
  value: {{ include "sagebridge.fullname" . | quote }}
- name: SAGEBRIDGE_LEASE_IDENTITY
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end }}
