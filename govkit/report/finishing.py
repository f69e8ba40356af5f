"""Last repairs of a printed report: what PDF/A-3b and PDF/UA-1 ask for and WeasyPrint does not write.

Formats: ISO 19005-3 (PDF/A-3), ISO 14289-1 (PDF/UA-1), ISO 32000-1 §14.7 (structure) and §12.7 (fields). It works on
the objects before they are written; nothing that can be seen on a page changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from govkit.report.words import catalog

FIELD = "govkit"
"""Name of the empty field that waits for the signature."""

_UA = b"""<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" pdfuaid:part="1"/>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289 that this file follows</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>"""


def finish(_document: Any, pdf: Any) -> None:
    """Repair a file; WeasyPrint calls it with its document and the ``pydyf.PDF``."""
    tree = _Tree(pdf)
    _scope_headers(tree)
    _pair_definitions(tree)
    _margins_are_no_content(tree)
    pdf.catalog["AF"][:] = dict.fromkeys(pdf.catalog["AF"])
    metadata = tree.at(pdf.catalog["Metadata"])
    metadata.stream = [part.replace(b"</rdf:RDF>", _UA + b"</rdf:RDF>") for part in metadata.stream]
    _add_field(tree)


class _Tree:
    """The structure tree of a file."""

    def __init__(self, pdf: Any) -> None:
        self.pdf = pdf
        self.root = self.at(pdf.catalog["StructTreeRoot"])
        self.document = self.at(self.root["K"][0])
        self.numbers = self.at(self.root["ParentTree"])["Nums"]
        self.elements = {each.number: each for each in self._reached()}

    def at(self, reference: bytes) -> Any:
        """The object of a reference."""
        return self.pdf.objects[int(reference.split()[0])]

    def parent(self, element: Any) -> Any:
        """The element above."""
        return self.at(element["P"])

    def kids(self, element: Any) -> list[Any]:
        """The elements below."""
        found = [self.at(kid) for kid in element["K"] if isinstance(kid, bytes)]
        return [kid for kid in found if kid.get("Type") == "/StructElem"]

    def _reached(self) -> Iterator[Any]:
        waiting = [self.document]
        while waiting:
            element = waiting.pop()
            yield element
            waiting += self.kids(element)


def _scope_headers(tree: _Tree) -> None:
    """Say of each header cell what it heads. Ids of cells go: they repeat where a table goes on over the page."""
    for cell in tree.elements.values():
        if cell["S"] == "/TH":
            above = tree.parent(tree.parent(cell))["S"]
            cell["A"]["Scope"] = "/Column" if above == "/THead" else "/Row"
            cell.pop("ID", None)
        elif cell["S"] == "/TD":
            cell["A"].pop("Headers", None)


def _pair_definitions(tree: _Tree) -> None:
    """Make of each name and its value one item of a list, not two items inside of boxes that are none."""
    from pydyf import Array

    for element in list(tree.elements.values()):
        if element["S"] == "/Div" and tree.parent(element)["S"] == "/L" and (parts := _items(tree, element)):
            element.update(S="/LI", K=Array(part.reference for part in parts))
            for place, part in enumerate(parts, start=1):
                part.update(S="/LBody" if place == len(parts) else "/Lbl", P=element.reference)
                for inner in tree.kids(part):
                    inner["S"] = "/NonStruct"


def _items(tree: _Tree, element: Any) -> list[Any]:
    """The items of a list that stand inside of an element, through its boxes."""
    return [found for kid in tree.kids(element) for found in ([kid] if kid["S"] == "/LI" else _items(tree, kid))]


def _margins_are_no_content(tree: _Tree) -> None:
    """Page numbers and running titles stand in no element of the tree: mark them as artifacts."""
    from pydyf import Dictionary

    pages = tree.pdf.page_references
    for number, listed in zip(tree.numbers[: 2 * len(pages) : 2], tree.numbers[1 : 2 * len(pages) : 2], strict=True):
        loose = {mark for mark, owner in enumerate(listed) if int(owner.split()[0]) not in tree.elements}
        stream = tree.at(tree.at(pages[number])["Contents"]).stream
        for place, item in enumerate(stream):
            if isinstance(item, dict) and item.get("MCID") in loose:
                stream[place - 1 : place + 1] = ["/Artifact", Dictionary({"Type": "/Pagination"})]
        for mark in loose:
            tree.at(listed[mark]).clear()
            listed[mark] = b"null"


def _add_field(tree: _Tree) -> None:
    """Add an empty field for the signature, which is then no new content: no size, read aloud by its name."""
    from pydyf import Array, Dictionary, String

    pdf, page = tree.pdf, tree.pdf.page_references[0]
    number = tree.numbers[-2] + 1
    field = Dictionary(
        {"Type": "/Annot", "Subtype": "/Widget", "FT": "/Sig", "T": String(FIELD), "F": 132, "P": page,
         "Rect": Array([0, 0, 0, 0]), "TU": String(catalog()["alone"]["field"]), "StructParent": number}
    )  # fmt: skip
    pdf.add_object(field)
    pointer = Dictionary({"Type": "/OBJR", "Obj": field.reference, "Pg": page})
    pdf.add_object(pointer)
    element = Dictionary(
        {"Type": "/StructElem", "S": "/Form", "K": Array([pointer.reference]), "Pg": page, "P": tree.document.reference}
    )
    pdf.add_object(element)
    tree.document["K"].append(element.reference)
    tree.numbers += [number, element.reference]
    annotations = tree.at(page).setdefault("Annots", Array())
    annotations.append(field.reference)
    pdf.catalog["AcroForm"] = Dictionary({"Fields": Array([field.reference])})
