"""Profile packages of eUICCs: the interoperable format of the Trusted Connectivity Alliance (TCA, once SIMalliance).

    package = Package.read(data)
    package.build() == data                    always, unknown elements included
    card_files(package)                        the file system the package makes, templates filled in

TCA eUICC Profile Package: Interoperable Format Technical Specification 3.3.1 (below: SAIP). Its ASN.1 module was read;
what the text says of it is from memory, or seen in published test profiles, where "unverified" stands.
"""
