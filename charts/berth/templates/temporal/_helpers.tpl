{{/* Name of the objects of one entry of `temporal`. Takes (root, entry). */}}
{{- define "berth.temporalName" -}}
{{- $entry := index . 1 -}}
{{- $name := include "berth.name" (list (index . 0) (printf "temporal-%s" $entry.name)) -}}
{{- if gt (len $name) 63 -}}
{{- fail (printf "temporal: %s: the name of its objects, %s, has more than 63 characters; shorten it or fullnameOverride" $entry.name $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* Namespace of one entry of `temporal`: its pool's. Takes (root, entry). */}}
{{- define "berth.temporalNamespace" -}}
{{- $entry := index . 1 -}}
{{- $namespace := default (include "berth.poolNamespace" (index . 0)) $entry.namespace -}}
{{- include "berth.mustBeServed" (list (index . 0) $namespace (printf "temporal: %s" $entry.name)) -}}
{{- $namespace -}}
{{- end -}}

{{/* A file of a ConfigMap or Secret as a volume. Takes (volume, ConfigMap or "", Secret or "", key, path). */}}
{{- define "berth.fileVolume" -}}
{{- $items := list (dict "key" (index . 3) "path" (index . 4)) -}}
{{- if index . 1 -}}
{{- dict "name" (index . 0) "configMap" (dict "name" (index . 1) "items" $items) | toYaml -}}
{{- else if index . 2 -}}
{{- dict "name" (index . 0) "secret" (dict "secretName" (index . 2) "defaultMode" 0440 "items" $items) | toYaml -}}
{{- end -}}
{{- end -}}

{{/* Source of the CA bundle for gateway and workers as a volume; empty: none. Takes (root, entry, its namespace). */}}
{{- define "berth.temporalCaVolume" -}}
{{- $root := index . 0 -}}
{{- $entry := index . 1 -}}
{{- $ca := default (dict) $entry.ca -}}
{{- if and $ca.configMap $ca.secretName -}}
{{- fail (printf "temporal: %s: ca.configMap and ca.secretName exclude each other" $entry.name) -}}
{{- end -}}
{{- if or $ca.configMap $ca.secretName -}}
{{- include "berth.fileVolume" (list "ca" $ca.configMap $ca.secretName (default "ca.crt" $ca.key) "ca.crt") -}}
{{- else if eq (index . 2) $root.Release.Namespace -}}
{{- include "berth.caVolume" $root -}}
{{- else if include "berth.gatewayTlsSecret" $root -}}
{{- fail (printf "temporal: %s: the gateway has TLS, and a pod in namespace %s cannot read the CA bundle of namespace %s: name one that is there by ca.configMap or ca.secretName" $entry.name (index . 2) $root.Release.Namespace) -}}
{{- end -}}
{{- end -}}

{{/* A duration in seconds, rounded up. */}}
{{- define "berth.seconds" -}}
{{- $seconds := 0 -}}
{{- range regexFindAll "[0-9]+[hms]" . -1 -}}
{{- $unit := get (dict "h" 3600 "m" 60 "s" 1) (regexFind "[hms]" .) -}}
{{- $seconds = add $seconds (mul (regexFind "[0-9]+" . | int) $unit) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}
