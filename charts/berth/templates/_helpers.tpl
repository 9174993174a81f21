{{/* Prefix of the names of objects. */}}
{{- define "berth.fullname" -}}
{{- $chart := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $chart .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $chart | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Name of a program's objects. Takes (root, component). */}}
{{- define "berth.name" -}}
{{- printf "%s-%s" (include "berth.fullname" (index . 0)) (index . 1) -}}
{{- end -}}

{{- define "berth.serviceAccountName" -}}
{{- $account := (index (index . 0).Values (index . 1)).serviceAccount -}}
{{- default (ternary (include "berth.name" .) "default" $account.create) $account.name -}}
{{- end -}}

{{/* The labels that selectors use; those of deploy/ too, so that a release can take over what kubectl applied. */}}
{{- define "berth.selector" -}}
app.kubernetes.io/name: {{ include "berth.name" . }}
{{- end -}}

{{/* Labels of an object. Takes (root, component); component "" for what belongs to no program. */}}
{{- define "berth.labels" -}}
{{- $root := index . 0 -}}
{{- $own := dict
      "app.kubernetes.io/name" $root.Chart.Name
      "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_")
      "app.kubernetes.io/instance" $root.Release.Name
      "app.kubernetes.io/managed-by" $root.Release.Service
      "app.kubernetes.io/version" $root.Chart.AppVersion
      "app.kubernetes.io/part-of" "berth" -}}
{{- with index . 1 -}}
{{- $_ := set $own "app.kubernetes.io/component" . -}}
{{- $_ := set $own "app.kubernetes.io/name" (include "berth.name" (list $root .)) -}}
{{- end -}}
{{- toYaml (merge $own $root.Values.commonLabels) -}}
{{- end -}}

{{/* metadata of an object. Takes (root, component, name, namespace or "", extra labels, extra annotations). */}}
{{- define "berth.metadata" -}}
{{- $root := index . 0 -}}
{{- $labels := include "berth.labels" (list $root (index . 1)) | fromYaml -}}
{{- $annotations := merge (dict) (default (dict) (index . 5)) $root.Values.commonAnnotations -}}
name: {{ index . 2 }}
{{- with index . 3 }}
namespace: {{ . }}
{{- end }}
labels:
  {{- merge $labels (default (dict) (index . 4)) | toYaml | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Reference of an image. Takes (root, image). */}}
{{- define "berth.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $name := $image.repository -}}
{{- if $root.Values.image.registry -}}
{{- $name = printf "%s/%s" (trimSuffix "/" $root.Values.image.registry) $image.repository -}}
{{- end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (coalesce $image.tag $root.Values.image.tag $root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* metadata of a program's pods. Takes (root, component, probe port). */}}
{{- define "berth.podMetadata" -}}
{{- $root := index . 0 -}}
{{- $values := index $root.Values (index . 1) -}}
{{- $scrape := dict "prometheus.io/scrape" "true" "prometheus.io/path" "/metrics" "prometheus.io/port" (index . 2 | toString) -}}
{{- /* Without the chart's version, so that a new chart alone restarts nothing. */ -}}
{{- $labels := omit (include "berth.labels" (list $root (index . 1)) | fromYaml) "helm.sh/chart" "app.kubernetes.io/version" -}}
labels:
  {{- merge $labels $values.podLabels | toYaml | nindent 2 }}
{{- with merge (dict) $values.podAnnotations (ternary $scrape (dict) $root.Values.metrics.annotations) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "berth.pullSecrets" -}}
{{- with .Values.imagePullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ ternary . (get (ternary (dict) . (kindIs "string" .)) "name") (kindIs "string" .) }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* What every pod of the chart needs to be pulled and scheduled. Takes (root, the program whose nodes it may use). */}}
{{- define "berth.placement" -}}
{{- $values := index (index . 0).Values (index . 1) -}}
{{- include "berth.pullSecrets" (index . 0) | nindent 0 }}
{{- range $field := list "priorityClassName" "nodeSelector" "tolerations" }}
{{- with index $values $field }}
{{ dict $field . | toYaml }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Where a program's pods run. Takes (root, component). */}}
{{- define "berth.scheduling" -}}
{{- $root := index . 0 -}}
{{- $values := index $root.Values (index . 1) -}}
{{- $selector := dict "matchLabels" (include "berth.selector" . | fromYaml) -}}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" $selector -}}
{{- include "berth.placement" . | trim | nindent 0 }}
{{- with $values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with $values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with $values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $values.affinity }}
affinity:
  {{- toYaml $values.affinity | nindent 2 }}
{{- else if eq $values.antiAffinity "soft" }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          {{- toYaml $term | nindent 10 }}
{{- else if eq $values.antiAffinity "hard" }}
affinity:
  podAntiAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      - {{- toYaml $term | nindent 8 }}
{{- end }}
{{- with $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{- merge (dict) . (dict "labelSelector" $selector) | toYaml | nindent 4 }}
  {{- end }}
{{- end }}
{{- with $values.initContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What the containers of both programs have alike. Takes (root, component). */}}
{{- define "berth.container" -}}
{{- $root := index . 0 -}}
{{- $values := index $root.Values (index . 1) -}}
image: {{ include "berth.image" (list $root $values.image) }}
{{- with $root.Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- with $values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $probe := list "livenessProbe" "readinessProbe" "startupProbe" }}
{{- with index $values $probe }}
{{ $probe }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
resources:
  {{- toYaml $values.resources | nindent 2 }}
securityContext:
  {{- toYaml $values.securityContext | nindent 2 }}
{{- end -}}

{{/* Flags of both programs. Takes (root, component). */}}
{{- define "berth.commonArgs" -}}
{{- $root := index . 0 -}}
- --log-format={{ $root.Values.log.format }}
{{- if ne $root.Values.log.level "info" }}
- --log-level={{ $root.Values.log.level }}
{{- end }}
{{- range $root.Values.watchNamespaces }}
- --namespace={{ . }}
{{- end }}
{{- range (index $root.Values (index . 1)).extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Namespace for a pool that names none: the release's, unless only others are served. */}}
{{- define "berth.poolNamespace" -}}
{{- $watched := .Values.watchNamespaces -}}
{{- if or (empty $watched) (has .Release.Namespace $watched) -}}
{{- .Release.Namespace -}}
{{- else -}}
{{- first $watched -}}
{{- end -}}
{{- end -}}

{{/* Refuses a namespace that is not served. Takes (root, namespace, what names it). */}}
{{- define "berth.mustBeServed" -}}
{{- $watched := (index . 0).Values.watchNamespaces -}}
{{- if and $watched (not (has (index . 1) $watched)) -}}
{{- fail (printf "%s: namespace %s is not served, only %s (watchNamespaces)" (index . 2) (index . 1) (join ", " $watched)) -}}
{{- end -}}
{{- end -}}

{{/* Whose pools are served, in words. */}}
{{- define "berth.served" -}}
{{- with .Values.watchNamespaces -}}
{{ ternary "namespace" "namespaces" (eq (len .) 1) }} {{ join ", " . }}
{{- else -}}
all namespaces
{{- end -}}
{{- end -}}

{{/* How often and how a monitor scrapes. Takes (the monitor's values, relabelings before its own). */}}
{{- define "berth.scrape" -}}
{{- $values := index . 0 -}}
{{- $fields := dict -}}
{{- range $field := list "interval" "scrapeTimeout" "metricRelabelings" -}}
{{- with index $values $field -}}
{{- $_ := set $fields $field . -}}
{{- end -}}
{{- end -}}
{{- with concat (index . 1) $values.relabelings -}}
{{- $_ := set $fields "relabelings" . -}}
{{- end -}}
{{- if $fields -}}
{{- toYaml $fields -}}
{{- end -}}
{{- end -}}

{{/* Peers that select a program's pods from any namespace. Takes (root, component). */}}
{{- define "berth.peer" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ (index . 0).Release.Namespace }}
podSelector:
  matchLabels:
    {{- include "berth.selector" . | nindent 4 }}
{{- end -}}

{{/* Peers that select the pods of each entry of `temporal`. */}}
{{- define "berth.temporalPeers" -}}
{{- range .Values.temporal }}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ include "berth.temporalNamespace" (list $ .) }}
  podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ include "berth.temporalName" (list $ .) }}
{{- end }}
{{- end -}}

{{- define "berth.egressToApiServer" -}}
- ports:
    {{- range .Values.networkPolicy.apiServer.ports }}
    - protocol: TCP
      port: {{ . }}
    {{- end }}
  {{- with .Values.networkPolicy.apiServer.cidrs }}
  to:
    {{- range . }}
    - ipBlock:
        cidr: {{ . }}
    {{- end }}
  {{- end }}
{{- end -}}

{{/* Egress of both programs: the API server and the workers. */}}
{{- define "berth.egress" -}}
{{ include "berth.egressToApiServer" . }}
- ports:
    - protocol: TCP
      port: 7600
  to:
    {{- with .Values.watchNamespaces }}
    - namespaceSelector:
        matchExpressions:
          - key: kubernetes.io/metadata.name
            operator: In
            values:
              {{- toYaml . | nindent 14 }}
    {{- else }}
    - namespaceSelector: {}
    {{- end }}
      podSelector:
        matchExpressions:
          - key: berth.dev/pool
            operator: Exists
{{- end -}}

{{/* Secret with the gateway's certificate; empty: plain HTTP. */}}
{{- define "berth.gatewayTlsSecret" -}}
{{- if and .Values.tls.certManager.enabled .Values.tls.gateway.secretName -}}
{{- fail "tls.gateway.secretName and tls.certManager.enabled exclude each other" -}}
{{- end -}}
{{- ternary (printf "%s-tls" (include "berth.name" (list . "gateway"))) .Values.tls.gateway.secretName .Values.tls.certManager.enabled -}}
{{- end -}}

{{/* Source of the CA bundle as a volume; empty: none. */}}
{{- define "berth.caVolume" -}}
{{- $ca := .Values.tls.ca -}}
{{- if and $ca.configMap $ca.secretName -}}
{{- fail "tls.ca.configMap and tls.ca.secretName exclude each other" -}}
{{- end -}}
{{- $items := list (dict "key" $ca.key "path" "ca.crt") -}}
{{- $secret := $ca.secretName -}}
{{- if and (not $ca.configMap) (not $secret) .Values.tls.certManager.enabled -}}
{{- $secret = include "berth.gatewayTlsSecret" . -}}
{{- end -}}
{{- if $ca.configMap -}}
{{- dict "name" "ca" "configMap" (dict "name" $ca.configMap "items" $items) | toYaml -}}
{{- else if $secret -}}
{{- dict "name" "ca" "secret" (dict "secretName" $secret "items" $items) | toYaml -}}
{{- else if .Values.tls.gateway.secretName -}}
{{- fail "tls.gateway.secretName: the operator checks the gateway's certificate, so name its CA bundle by tls.ca.configMap or tls.ca.secretName" -}}
{{- end -}}
{{- end -}}

{{/* A command that prints the CA bundle. */}}
{{- define "berth.readCa" -}}
{{- $ca := include "berth.caVolume" . | fromYaml -}}
{{- $config := dig "configMap" "name" "" $ca -}}
kubectl -n {{ .Release.Namespace }} get {{ ternary (printf "configmap %s" $config) (printf "secret %s" (dig "secret" "secretName" "" $ca)) (ne $config "") }} -o go-template='{{ "{{" }}index .data {{ .Values.tls.ca.key | quote }}{{ if not $config }} | base64decode{{ end }}{{ "}}" }}'
{{- end -}}
