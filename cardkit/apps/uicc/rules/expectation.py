"""What rules hold a card against: its product and record, where somebody knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.schema import NetworkBlock
from cardkit.apps.uicc.states.product import Product
from cardkit.apps.uicc.states.scripts import Proof
from cardkit.desired import Content

USIM, ISIM, GSM = "ADF.USIM", "ADF.ISIM", "DF.GSM"


@dataclass(frozen=True, repr=False)
class Expectation:
    """What one card should be; of a card without a profile nothing is known. Its ``repr`` shows nothing.

    :param product: of the profile.  :param contents: of this record, by state name.
    :param proofs: what is asked of the keys.  :param printed: the ICCID in print on the card, "" where nobody read it.
    """

    product: Product | None = None
    contents: Mapping[str, Content] = field(default_factory=dict)
    proofs: tuple[Proof, ...] = ()
    printed: str = ""

    @cached_property
    def files(self) -> frozenset[str]:
        """Files and records with contents of profile or record, copies included."""
        if self.product is None:
            return frozenset()
        return frozenset(target.name for target in self.product.read)

    @cached_property
    def idle(self) -> frozenset[str]:
        """Files the product puts out of use."""
        return frozenset() if self.product is None else frozenset(target.file for target in self.product.deactivated)

    @cached_property
    def originals(self) -> Mapping[str, str]:
        """Copies and what they are copies of."""
        return {} if self.product is None else {copy.name: original for copy, original in self.product.copies}

    @cached_property
    def concealing(self) -> bool:
        """Whether the card is to conceal its holder's identity itself."""
        return self.product is not None and self.product.concealing is not None

    @cached_property
    def network(self) -> NetworkBlock | None:
        """The product's numbering."""
        return None if self.product is None else self.product.block.network

    def fills(self, file: str) -> bool:
        """Whether the product says what a file, or a record of it, holds."""
        return file in self.files or any(name.startswith(f"{file}#") for name in self.files)


@dataclass(frozen=True, slots=True)
class Ground:
    """What relations between files may look at besides the files.

    :param network: the product's numbering, None where there is no product.  :param chip_files: what the card has.
    :param product_files: what the product fills.  :param test_keys: whether it may have keys that are published.
    :param idle: files that are deactivated.  :param walked: whether the files are those somebody found on the card.
    :param listed: whether anybody knows which files there are, and which of them are in use.
    """

    network: NetworkBlock | None
    chip_files: frozenset[str]
    has_isim: bool
    product_files: frozenset[str] = frozenset()
    test_keys: bool = False
    idle: frozenset[str] = frozenset()
    walked: bool = False
    listed: bool = True


def ground_of(picture: CardPicture, expected: Expectation, idle: frozenset[str] = frozenset()) -> Ground:
    """Return what relations may look at: the card as it was seen, the chip model where nobody looked for all files."""
    product = expected.product
    if picture.names is not None:
        files, has_isim = picture.names, ISIM in picture.names
    elif product is not None:
        files, has_isim = frozenset(product.chip.block.files), ISIM in product.chip.places
    else:
        files, has_isim = frozenset(picture.by_file), any(name.startswith(ISIM) for name in picture.by_file)
    return Ground(
        expected.network,
        files,
        has_isim=has_isim,
        product_files=frozenset(name.partition("#")[0] for name in expected.files) if product else files,
        test_keys=product is not None and "test-keys" in product.auth.accept,
        idle=idle,
        walked=picture.names is not None,
        listed=product is not None if picture.names is None else bool(picture.controls),
    )
