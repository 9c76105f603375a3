"""SIM, USIM and ISIM: file system, contents, PINs, authentication (ETSI TS 102 221, 3GPP TS 31.102, 31.103, 51.011)."""
