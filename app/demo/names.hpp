// The words the demo company is made of.
#pragma once

#include <array>
#include <string_view>

namespace herald::demo_names {

inline constexpr std::array<std::string_view, 40> first_names{
    "Ada",    "Amir",   "Beatriz", "Caleb",  "Chloé",  "Daniel", "Elena",   "Farah", "George", "Grace",
    "Hannah", "Hugo",   "Imani",   "Isaac",  "Jasmin", "Jonas",  "Kenji",   "Laila", "Lucas",  "Marta",
    "Miguel", "Nadia",  "Noah",    "Olivia", "Omar",   "Priya",  "Quentin", "Rosa",  "Samuel", "Sofia",
    "Tariq",  "Teresa", "Uma",     "Victor", "Wei",    "Ximena", "Yusuf",   "Zoë",   "Ingrid", "Mateo"};

inline constexpr std::array<std::string_view, 40> last_names{
    "Abbott", "Baker",   "Castillo",  "Delgado",  "Eriksen", "Fischer",   "Grant",   "Hassan",
    "Ibarra", "Jansen",  "Kowalski",  "Laurent",  "Mbeki",   "Nakamura",  "O'Brien", "Petrov",
    "Quinn",  "Ramirez", "Sato",      "Thompson", "Ueda",    "Vargas",    "Walker",  "Xu",
    "Yilmaz", "Zimmer",  "Andersson", "Brooks",   "Chen",    "Diaz",      "Evans",   "Fontaine",
    "Greco",  "Hughes",  "Iyer",      "Johnson",  "Kaplan",  "Lindqvist", "Moreau",  "Novak"};

inline constexpr std::array<std::string_view, 8> projects{"Harbor Lofts",
                                                          "Maple Street Apartments",
                                                          "Riverside Logistics Park",
                                                          "Old Mill Conversion",
                                                          "Cedar Heights Senior Living",
                                                          "Union Square Offices",
                                                          "Lakeview Student Housing",
                                                          "Foundry Row Townhomes"};

inline constexpr std::array<std::string_view, 3> folders{"Financials", "Legal", "Drawings"};

inline constexpr std::array<std::string_view, 16> files{"Rent Roll.xlsx",
                                                        "Term Sheet.pdf",
                                                        "Site Plan.pdf",
                                                        "Operating Statement.xlsx",
                                                        "Title Report.pdf",
                                                        "Floor Plans.pdf",
                                                        "Appraisal.pdf",
                                                        "Purchase Agreement.pdf",
                                                        "Elevations.pdf",
                                                        "Construction Budget.xlsx",
                                                        "Environmental Report.pdf",
                                                        "Survey.pdf",
                                                        "Sources and Uses.xlsx",
                                                        "Insurance Certificate.pdf",
                                                        "Geotechnical Report.pdf",
                                                        "Market Study.pdf"};

inline constexpr std::array<std::string_view, 5> topics{"financing", "underwriting", "site visit",
                                                        "closing checklist", "legal"};

inline constexpr std::array<std::string_view, 10> messages{
    "The updated rent roll is in the data room.",
    "Can we move the closing call to Thursday?",
    "The lender asks for the trailing twelve months by property.",
    "Appraisal came in at the expected value.",
    "I have two comments on the term sheet, both small.",
    "Who has the latest construction budget?",
    "Title is clear, see the report.",
    "Rate lock expires on Friday, please confirm today.",
    "The environmental report has no findings.",
    "Thanks, that answers my question."};

} // namespace herald::demo_names
