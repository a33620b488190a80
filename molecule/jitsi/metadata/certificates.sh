#!/bin/sh
# A certificate authority and wildcard certificates below it: the first, and two for renewals.
set -eu
mkdir -p /metadata/user_data
cd /metadata
key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
# shellcheck disable=SC2086
openssl req -x509 $key -keyout ca.key -out ca.pem -days 30 -subj "/CN=Molecule CA" -addext keyUsage=critical,keyCertSign,cRLSign
for name in first other next; do
    # shellcheck disable=SC2086
    openssl req $key -keyout $name.key -out $name.csr -subj "/CN=*.ensemble.test"
    printf 'subjectAltName=DNS:*.ensemble.test\nbasicConstraints=CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' > $name.ext
    openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile $name.ext -out $name.crt
    cat $name.crt ca.pem > $name.pem
done
